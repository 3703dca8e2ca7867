"""Valid logs of every format, and damage that knows the format: fields, records, columns and keys, then bytes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import mlflowdb
import tfevents
import wandblog

SAMPLES = Path(__file__).parents[2] / "sample_runs"
Files = dict[str, bytes]
"""Contents by path below the run's folder."""

ROWS = 12
LONG = 2 << 20
"""Bytes of a line that never ends."""
HEAVY = 0.004
"""Share of the damage that makes a file large."""

NUMBERS = (
    "nan", "NaN", "inf", "-inf", "1e999", "-1e308", "1e-320", "0", "-1", "1.5", "9" * 25, "9" * 400, "2147483648",
    str(2**53), str(2**63), str(-(2**63) - 1), "1_000", "0x10", "１", "1e5000", "5/3", "1,5",
)  # fmt: skip
WORDS = (
    "", " ", "None", "null", "true", "tensor(1.)", '"', '""', "'", '"a,b', "a\nb", "\t", "\0", "�", "=1+1", "epoch",
    "step", "loss", "val/loss", "train/box_loss", "metrics/mAP50-95(B)", "x/lr0", "../../etc", "x" * 5000,
)  # fmt: skip
BYTES = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\r",
    b"\x1a",
    b'"',
    b"[" * 3000,
    b"\xff" * 8,
)
YAML = ("null", "true", "[]", "[1, 2]", "{a: 1}", "-1", ".nan", ".inf", "1e400", "2024-99-99", "0", "'", "&a [*a]",
        "!!python/object/apply:os.getcwd []", "9" * 400, "abc", "0.5", "1e9", "? ", "* ", "[" * 3000)  # fmt: skip


# -- valid files ------------------------------------------------------------------------------------------------------


def _table(names: Sequence[str], first: int = 0, rows: int = ROWS) -> bytes:
    lines = [",".join(names)]
    for i in range(rows):
        left = 1 / (i + 1)
        row = [
            str(i + first) if n == "epoch" else str(10 * i) if n in ("step", "time") else f"{left:.5f}" for n in names
        ]
        lines.append(",".join(row))
    return ("\n".join(lines) + "\n").encode()


def _ultralytics() -> Files:
    names = ("epoch", "time", "train/box_loss", "train/cls_loss", "train/dfl_loss", "metrics/precision(B)",
             "metrics/recall(B)", "metrics/mAP50(B)", "metrics/mAP50-95(B)", "val/box_loss", "val/cls_loss",
             "val/dfl_loss", "lr/pg0", "lr/pg1", "lr/pg2")  # fmt: skip
    args = (
        "task: detect\nmodel: yolo12n.pt\nepochs: 12\npatience: 5\nbatch: 16\nval: true\nclose_mosaic: 3\nlr0: 0.01\n"
    )
    return {"results.csv": _table(names, 1), "args.yaml": args.encode()}


def _yolov5() -> Files:
    names = ("epoch", "train/box_loss", "train/obj_loss", "train/cls_loss", "metrics/precision", "metrics/recall",
             "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "val/box_loss", "val/obj_loss", "val/cls_loss", "x/lr0",
             "x/lr1", "x/lr2")  # fmt: skip
    padded = _table([f"{n:>20}" for n in names]).replace(f"{'epoch':>20}".encode(), f"{'epoch':>20}".encode())
    lines = padded.decode().split("\n")
    rows = [",".join([f"{i:>20}", *line.split(",")[1:]]) for i, line in enumerate(lines[1:-1])]
    return {
        "results.csv": "\n".join([lines[0], *rows, ""]).encode(),
        "opt.yaml": b"weights: yolov5s.pt\nepochs: 12\npatience: 100\nbatch_size: 16\nnoval: false\n",
        "hyp.yaml": b"lr0: 0.01\nlrf: 0.1\nmomentum: 0.937\n",
    }


def _yolov7() -> Files:
    rows = [
        f" {i}/{ROWS - 1} 7.2G {0.07:.4f} {0.1:.4f} {0.05:.4f} {0.22:.4f} 132 640 0.9 0.07 0.0{i % 10} 0.01 0.08 0.02 0.02"
        for i in range(ROWS)
    ]
    return {"results.txt": ("\n".join(rows) + "\n").encode(), "opt.yaml": b"epochs: 12\n", "hyp.yaml": b"lr0: 0.01\n"}


def _lightning() -> Files:
    lines = ["epoch,step,train_loss_step,train_loss_epoch,val_loss,val_acc,lr-Adam"]
    for e in range(6):
        lines += [f"{e},{10 * e + s},{1 / (10 * e + s + 1):.4f},,,,0.001" for s in range(0, 10, 3)]
        lines += [f"{e},{10 * e + 9},,,{1 / (e + 1):.4f},0.5,", f"{e},{10 * e + 9},,{1 / (e + 1):.4f},,,"]
    return {"metrics.csv": ("\n".join(lines) + "\n").encode(), "hparams.yaml": b"lr: 0.001\nmax_epochs: 6\nname: net\n"}


def _state() -> dict[str, Any]:
    history: list[dict[str, Any]] = []
    for s in range(1, 20):
        history.append({"epoch": s / 5, "loss": 4 / s, "grad_norm": 1.0, "learning_rate": 1e-4, "step": 10 * s})
        if s % 5 == 0:
            history.append(
                {"epoch": s / 5, "eval_loss": 5 / s, "eval_accuracy": 0.5, "eval_runtime": 2.0, "step": 10 * s}
            )
    return {
        "best_metric": 0.5, "best_model_checkpoint": "out/checkpoint-150", "best_global_step": 150, "epoch": 3.8,
        "global_step": 190, "max_steps": 200, "num_train_epochs": 4, "log_history": history, "trial_name": None,
    }  # fmt: skip


def _hf() -> Files:
    early = _state() | {"global_step": 100}
    early["log_history"] = early["log_history"][:10]
    return {
        "checkpoint-100/trainer_state.json": json.dumps(early).encode(),
        "checkpoint-190/trainer_state.json": json.dumps(_state(), indent=1).encode(),
    }


def _keras() -> Files:
    return {"log.csv": _table(("epoch", "accuracy", "loss", "lr", "val_accuracy", "val_loss"))}


def _events() -> Files:
    tags = ("train/box_loss", "val/box_loss", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95", "x/lr0", "Loss/train")
    first = [tfevents.scalar(s, t, 1 / (s + 1), tensor=s % 2 > 0) for s in range(ROWS) for t in tags]
    second = [tfevents.scalar(s, t, 1 / (s + 1)) for s in range(6, 6 + ROWS) for t in tags]
    return {
        "events.out.tfevents.1700000000.host.1.0": tfevents.version() + b"".join(first),
        "events.out.tfevents.1700009999.host.2.0": tfevents.version() + b"".join(second),
        "opt.yaml": b"epochs: 20\n",
    }


def _wandb_records() -> list[bytes]:
    rows = [wandblog.history(s, **{"train/loss": 1 / (s + 1), "lr": 0.01, "epoch": s // 4}) for s in range(40)]
    rows += [wandblog.history(40 + e, val_loss=1 / (e + 1), acc=0.5, epoch=e) for e in range(10)]
    return [wandblog.config(epochs=10, batch_size=16, lr=0.01), *rows, wandblog.exited(0)]


def _wandb() -> Files:
    return {
        "run-abc.wandb": wandblog.log(*_wandb_records()),
        "files/wandb-summary.json": b'{"_step": 49, "val_loss": 0.1, "acc": 0.5}',
        "files/config.yaml": b"epochs:\n  value: 10\n_wandb:\n  value: {}\n",
    }


def _mlflow_database() -> Files:
    values = [("loss", 1 / (s + 1), s, s == 3) for s in range(20)] + [
        ("val_loss", 1.0, s, False) for s in range(0, 20, 4)
    ]
    with tempfile.TemporaryDirectory() as folder:
        return {"mlflow.db": mlflowdb.write(Path(folder) / "a.db", {"a": values[:9], "b": values}).read_bytes()}


def _mlflow_files() -> Files:
    lines = {
        n: "".join(f"17000000{i:05d} {1 / (i + 1)} {i}\n" for i in range(20)) for n in ("train_loss", "val_loss", "lr")
    }
    return {
        "meta.yaml": b"run_id: abc\nrun_uuid: abc\nstatus: 3\nstart_time: 1700000000000\nend_time: null\n",
        "params/epochs": b"20",
        "params/batch_size": b"16",
        **{f"metrics/{n}": text.encode() for n, text in lines.items()},
    }


def _generic_csv() -> Files:
    return {"table.csv": _table(("step", "epoch", "loss", "val_loss", "lr", "acc"), rows=30)}


def _generic_json() -> Files:
    rows = [{"step": s, "loss": 1 / (s + 1), "val_loss": 1.0 if s % 5 == 0 else None, "lr": 0.1} for s in range(30)]
    return {"log.jsonl": "".join(json.dumps(r) + "\n" for r in rows).encode()}


def _generic_parquet() -> Files:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table({"step": list(range(30)), "loss": [1 / (s + 1) for s in range(30)], "acc": [0.5] * 30}), sink
    )
    return {"log.parquet": sink.getvalue().to_pybytes()}


def _record(sample: str) -> Callable[[], Files]:
    def files() -> Files:
        root = SAMPLES / sample / "trainwatch"
        found = [p for p in sorted(root.rglob("*")) if p.is_file() and p.suffix != ".html"]
        return {f"trainwatch/{p.relative_to(root).as_posix()}": p.read_bytes() for p in found}

    return files


SEEDS: dict[str, tuple[Callable[[], Files], ...]] = {
    "ultralytics-csv": (_ultralytics,),
    "yolov5-csv": (_yolov5,),
    "yolov7-txt": (_yolov7,),
    "lightning-csv": (_lightning,),
    "hf-trainer": (_hf,),
    "keras-csv": (_keras,),
    "tensorboard": (_events,),
    "wandb-offline": (_wandb,),
    "mlflow-local": (_mlflow_database, _mlflow_files),
    "generic": (_generic_csv, _generic_json, _generic_parquet),
    "trainwatch": (_record("killed"), _record("nan_loss")),
}
"""Valid logs by importer."""


def write_files(folder: Path, files: Files) -> None:
    """Write a run's files into an emptied folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


# -- damage -----------------------------------------------------------------------------------------------------------


def damage(files: Files, chance: Random) -> Files:
    """Damage one or more files of a run as their format suggests, or as bytes; seldom lose a file."""
    out = dict(files)
    for name in chance.sample(sorted(out), min(len(out), 1 + (chance.random() < 0.3))):
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            knows = _knows(name) if chance.random() < 0.75 else _bytes
            out[name] = knows(out[name], chance)
    if len(out) > 1 and chance.random() < 0.05:
        del out[chance.choice(sorted(out))]
    return out


def _knows(name: str) -> Callable[[bytes, Random], bytes]:
    if name.endswith((".json", ".jsonl")):
        return _json
    if name.endswith(".yaml"):
        return _yaml
    if "tfevents" in name:
        return _framed
    if name.endswith(".wandb"):
        return _wandb_log
    if name.endswith(".db"):
        return _database
    return _bytes if name.endswith((".parquet", ".journal")) else _rows


def _odd(chance: Random) -> str:
    return chance.choice(NUMBERS) if chance.random() < 0.6 else chance.choice(WORDS)


def _bytes(data: bytes, chance: Random) -> bytes:
    out = bytearray(data)
    if chance.random() < HEAVY:
        return bytes(out[: len(out) // 2]) + chance.choice((b"x", b"1,", b"{", b"\0", b"1 ", b"\xff")) * (LONG // 2)
    at, to = sorted((chance.randint(0, len(out)), chance.randint(0, len(out))))
    piece = chance.choice((*BYTES, chance.randbytes(chance.randint(1, 16)), _odd(chance).encode()))
    how = chance.randint(0, 6)
    if how == 0:
        del out[at:]
    elif how == 1:
        out[at : at + len(piece)] = piece
    elif how == 2:
        out[at:at] = piece
    elif how == 3:
        out[at:at] = out[at : at + 300] * 3
    elif how == 4:
        del out[at:to]
    elif how == 5 and out:
        out[min(at, len(out) - 1)] ^= 1 << chance.randint(0, 7)
    else:
        return data.decode("utf-8", errors="replace").encode("utf-16") if chance.random() < 0.2 else data[::-1]
    return bytes(out)


def _rows(data: bytes, chance: Random) -> bytes:
    """Damage a table of text: fields, columns, rows, header."""
    text = data.decode("utf-8", errors="surrogateescape")
    sign = "," if "," in text.split("\n", 1)[0] else " "
    rows = [line.split(sign) for line in text.split("\n")]
    at = chance.randrange(len(rows))
    row = rows[at]
    column = chance.randrange(max(len(row), 1))
    how = chance.randint(0, 13)
    if how == 0 and row:
        del row[column]
    elif how == 1:
        row.insert(column, _odd(chance))
    elif how in (2, 3, 4) and row:
        row[column] = _odd(chance)
    elif how == 5:
        rows = [r[:column] + r[column + 1 :] for r in rows]
    elif how == 6:
        rows = [r[:column] + r[column : column + 1] * 2 + r[column + 1 :] for r in rows]
    elif how == 7:
        del rows[at]
    elif how == 8:
        rows[at:at] = rows[chance.randrange(len(rows)) :]
    elif how == 9:
        chance.shuffle(rows)
    elif how == 10:
        rows.insert(at, rows[0])
    elif how == 11:
        value = _odd(chance)
        rows = rows[:1] + [[*r[:column], value, *r[column + 1 :]] if len(r) > column else r for r in rows[1:]]
    elif how == 12:
        rows = rows[:1] + rows[1:] * (chance.choice((2, 50, 2000)) if chance.random() < 10 * HEAVY else 2)
    else:
        return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b",\n", b"\x0b\n")))
    return "\n".join(sign.join(r) for r in rows).encode("utf-8", errors="surrogateescape")


def _json(data: bytes, chance: Random) -> bytes:
    """Damage a JSON value, or one line of JSON lines, at any place in it."""
    lines = data.split(b"\n")
    whole = data.lstrip()[:1] == b"{" and len(lines) > 1 and b'"' in lines[0] and lines[0].rstrip().endswith(b"}")
    at = chance.randrange(len(lines)) if whole else 0
    try:
        value = json.loads(lines[at] if whole else data)
    except (ValueError, RecursionError):
        return _bytes(data, chance)
    places: list[tuple[Any, Any]] = []
    _places(value, places)
    if not places:
        return _bytes(data, chance)
    holder, key = chance.choice(places)
    how = chance.randint(0, 6)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        many = chance.random() < HEAVY
        holder[key:key] = [holder[key]] * (20_000 if many else 3)
    elif how == 2 and isinstance(holder, list):
        chance.shuffle(holder)
    else:
        holder[key] = _odd_json(chance)
    text = json.dumps(value).replace('"@deep@"', "[" * 5000 + "]" * 5000).replace('"@huge@"', "9" * 4000)
    return b"\n".join([*lines[:at], text.encode(), *lines[at + 1 :]]) if whole else text.encode()


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries):
        found.append((value, key))
        _places(inner, found)


def _odd_json(chance: Random) -> Any:
    return chance.choice(
        (
            None, True, False, 0, -1, 1.5, 1e308, -1e308, float("nan"), float("inf"), 2**53, 2**63, -(2**70), 10**30, "",
            "nan", "Infinity", "a\0b", "\ud800", "@deep@", "@huge@", [], {}, [1, 2], {"a": {"b": 1}}, [[]], "x" * 3000,
        )
    )  # fmt: skip


def _yaml(data: bytes, chance: Random) -> bytes:
    lines = data.decode("utf-8", errors="replace").split("\n")
    at = chance.randrange(len(lines))
    key = lines[at].split(":", 1)[0]
    lines[at] = chance.choice(
        (f"{key}: {chance.choice(YAML)}", chance.choice(YAML), f"\t{lines[at]}", key, f"{lines[at]} #")
    )
    return "\n".join(lines).encode("utf-8", errors="replace")


def _framed(data: bytes, chance: Random) -> bytes:
    """Damage TFRecords: whole records, lengths, the message inside."""
    records: list[bytes] = []
    at = 0
    while at + 12 <= len(data):
        length = struct.unpack("<Q", data[at : at + 8])[0]
        if at + 16 + length > len(data):
            break
        records.append(data[at + 12 : at + 12 + length])
        at += 16 + length
    if not records:
        return _bytes(data, chance)
    _of_records(
        records, chance, lambda s: tfevents.scalar(s, chance.choice(("train/loss", "", "x" * 300, "\0")), 1.0)[12:-4]
    )
    out = b"".join(map(tfevents.record, records)) + data[at:]
    if chance.random() < 0.1:
        cut = chance.randrange(len(out))
        out = out[:cut] + struct.pack("<Q", chance.choice((0, 2**31, 2**63, 2**64 - 1))) + out[cut:]
    return out


def _wandb_log(data: bytes, chance: Random) -> bytes:
    if chance.random() < 0.3:
        return _bytes(data, chance)
    records = _wandb_records()
    _of_records(
        records,
        chance,
        lambda s: wandblog.history(s, **{chance.choice(("loss", "_step", "epoch", "", "a\0")): _odd_json(chance)}),
    )
    return wandblog.log(*records)


def _of_records(records: list[bytes], chance: Random, make: Callable[[int], bytes]) -> None:
    at = chance.randrange(len(records))
    how = chance.randint(0, 6)
    if how == 0:
        del records[at]
    elif how == 1:
        records[at:at] = [records[at]] * chance.choice((1, 3, 40))
    elif how == 2:
        chance.shuffle(records)
    elif how == 3:
        records[at:at] = records[chance.randrange(len(records)) :]
    elif how == 4:
        records.insert(at, make(chance.choice((0, 1, 2**31, 2**53, 2**62, 2**63 - 1, 2**64 - 1))))
    else:
        records[at] = _bytes(records[at], chance) if chance.random() > HEAVY else b"\x0a" * LONG


def _database(data: bytes, chance: Random) -> bytes:
    """Change values, columns and tables by SQL; a file that is none any more is damaged as bytes."""
    odd = chance.choice((None, "abc", "nan", "", 1e308, -1.5, 2**62, -(2**62), b"\xff\0", "9" * 400))
    table = chance.choice(("runs", "metrics", "params"))
    columns = {"runs": ("run_uuid", "status", "start_time"), "metrics": ("key", "value", "step", "run_uuid", "is_nan"),
               "params": ("key", "value", "run_uuid")}[table]  # fmt: skip
    column = chance.choice(columns)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.db"
        file.write_bytes(data)
        try:
            with closing(sqlite3.connect(file)) as store:
                store.execute("PRAGMA synchronous = OFF")  # nothing here need outlive a power cut
                how = chance.randint(0, 7)
                if how < 4:
                    some = "" if chance.random() < 0.3 else f" WHERE rowid % {chance.randint(2, 5)} = 0"
                    store.execute(f"UPDATE {table} SET {column} = ?{some}", (odd,))
                elif how == 4:
                    store.execute(f"INSERT INTO {table} SELECT * FROM {table}")
                elif how == 5:
                    store.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
                elif how == 6:
                    store.execute(f"DELETE FROM {table} WHERE rowid % {chance.randint(1, 3)} = 0")
                else:
                    store.execute(f"ALTER TABLE {table} RENAME TO other")
                    store.execute(f"CREATE VIEW {table} AS SELECT * FROM other, (SELECT 1 UNION SELECT 2)")
                store.commit()
            return file.read_bytes()
        except (sqlite3.Error, OverflowError):
            return _bytes(data, chance)
