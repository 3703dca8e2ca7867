"""Notes on what was read: importers, thinning, damaged files. Holes: see :mod:`trainwatch.reports.languages.sentences`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RECORDS: Final[Mapping[str, str]] = {
    # where a record comes from
    "our own recording": "trainwatch 自己的记录",
    "results.csv and args.yaml": "results.csv 和 args.yaml",
    "YOLOv5's results.csv": "YOLOv5 的 results.csv",
    "YOLOv7's results.txt": "YOLOv7 的 results.txt",
    "Lightning's metrics.csv": "Lightning 的 metrics.csv",
    "Trainer's trainer_state.json": "Trainer 的 trainer_state.json",
    "TensorBoard event files": "TensorBoard 事件文件",
    "Keras' CSVLogger": "Keras 的 CSVLogger",
    "offline run of Weights & Biases": "Weights & Biases 的离线训练",
    "run of MLflow": "MLflow 的训练",
    "a table, columns by name or --map": "表格，列按名称或 --map 识别",
    # runs
    "Read as {name!r}; {other!r} could not be read: {error!s}": "按 {name} 读取；{other} 无法读取：{error}",
    "Read as {name!r}; trainwatch's own recording beside it holds no step and was left aside.": (
        "按 {name} 读取；旁边 trainwatch 自己的记录中没有任何步，没有使用。"
    ),
    "Read as {name!r}; left aside: {others!r}.": "按 {name} 读取；没有使用：{others}。",
    "read as": "读取为",
    "The record is too long to be read whole: one step in {every:n} was, every step around {places:n} places that stand out, "
    "and each column's extremes.": (
        "记录太长，无法全部读取：每 {every} 步读取一步，{places} 处异常附近读取每一步，并读取每列的极值。"
    ),
    "What begins elsewhere is dated to within about {every:n} steps.": "在其他地方开始的问题，其起点误差约为 {every} 步。",
    "steps/{file!r} could not be read ({error!s}); its rows are missing": "steps/{file} 无法读取（{error}）；缺少其中的行",
    "{count:n} torn step row at the end of the journal dropped": "丢弃了日志末尾不完整的 {count} 行",
    "{count:n} torn step rows at the end of the journal dropped": "丢弃了日志末尾不完整的 {count} 行",
    # epoch tables
    "The epoch column starts again at epoch {epoch:n} after epoch {previous:n}: the file holds more than one start of the "
    "training.": "epoch 列在第 {previous} 轮之后又从第 {epoch} 轮开始：文件中有多次训练启动。",
    "The epoch column starts again {count:n} times in all.": "epoch 列共重新开始 {count} 次。",
    "{count:n} damaged row(s) left out (line {lines}): wrong number of fields, or no epoch.": (
        "略去 {count} 个损坏的行（第 {lines} 行）：字段数不对，或没有 epoch。"
    ),
    "{count:n} damaged row(s) left out: wrong number of fields.": "略去 {count} 个损坏的行：字段数不对。",
    "{count:n} field(s) hold no number; they are read as missing.": "{count} 个字段不是数值，按缺失处理。",
    "{count:n} row(s) without a legal step or epoch left out.": "略去 {count} 个没有合法 step 或 epoch 的行。",
    "{count:n} line(s) that hold no JSON object left out.": "略去 {count} 个不是 JSON 对象的行。",
    "There is no column of steps or epochs; rows are counted as epochs.": "没有步或轮的列；每行按一轮计。",
    "There is no epoch column; epochs are the evaluations, counted in order.": "没有 epoch 列；按顺序把每次评估计为一轮。",
    "The {what!r} column starts again {count:n} time(s), first at {at:n} after {previous:n}: the file holds more than one start "
    "of the training.": "{what} 列重新开始 {count} 次，首次是在 {previous} 之后从 {at} 开始：文件中有多次训练启动。",
    "Columns were guessed from their names: {columns!s}; --map says otherwise.": (
        "列的含义是根据列名猜测的：{columns}；可用 --map 另行指定。"
    ),
    "{count:n} column(s) left aside: {names!r}.": "没有使用 {count} 列：{names}。",
    "{count:n} tag(s) left aside: {names!r}.": "没有使用 {count} 个标签（tag）：{names}。",
    "{count:n} logged name(s) left aside: {names!r}.": "没有使用 {count} 个记录项：{names}。",
    # arguments beside a log
    "There is no {file!r} beside the log; what it says (planned epochs, patience and the like) is not known.": (
        "日志旁边没有 {file}；其中的内容（计划轮数、patience 等）未知。"
    ),
    "{file!r} is larger than {size:n} KiB and was not read; what it says (planned epochs, patience and the like) is not known.": (
        "{file} 超过 {size} KiB，没有读取；其中的内容（计划轮数、patience 等）未知。"
    ),
    "{file!r} could not be read ({error!s}); what it says (planned epochs, patience and the like) is not known.": (
        "{file} 无法读取（{error}）；其中的内容（计划轮数、patience 等）未知。"
    ),
    "{file!r} holds no arguments; what it says (planned epochs, patience and the like) is not known.": (
        "{file} 中没有参数；其中的内容（计划轮数、patience 等）未知。"
    ),
    "{file!r} holds more than {count:n} values and was not used; what it says (planned epochs, patience and the like) is not "
    "known.": "{file} 含有超过 {count} 个值，没有使用；其中的内容（计划轮数、patience 等）未知。",
    "what it says (planned epochs, patience and the like) is not known.": "其中的内容（计划轮数、patience 等）未知。",
    # Ultralytics, YOLOv5, YOLOv7
    "The training ran with val: False, so its metrics and validation losses were written as 0 without being measured; they are "
    "read as missing, not as 0.": (
        "训练设置了 val: False，指标和验证损失没有测量，只是写成了 0；这里按缺失处理，而不是 0。"
    ),
    "Fitness is not in the file; it was computed as {formula!r}.": "文件中没有 fitness；按 {formula} 计算。",
    "Fitness is not in the file; it was computed as YOLOv5 does, 0.1 mAP50 + 0.9 mAP50-95.": (
        "文件中没有 fitness；按 YOLOv5 的方式计算：0.1 mAP50 + 0.9 mAP50-95。"
    ),
    "The training ran with noval: metrics of epochs without validation are read as missing.": (
        "训练设置了 noval：没有验证的轮次，其指标按缺失处理。"
    ),
    "Columns have no names in the file; they were taken as YOLOv7 writes them.": (
        "文件中的列没有名称；按 YOLOv7 的写法理解。"
    ),
    # Trainer
    "Trainer averages losses between two entries and by default leaves NaN out of the average.": (
        "Trainer 记录的是两条记录之间损失的平均值，默认不把 NaN 计入平均。"
    ),
    "An evaluation before the first step was left aside.": "第一步之前的一次评估没有使用。",
    "The newest state was read ({file!r}); {count:n} other(s) were left aside.": (
        "读取了最新的状态（{file}）；另外 {count} 个没有使用。"
    ),
    "{count:n} of them belong to other runs in the same folder: their logs begin otherwise.": (
        "其中 {count} 个属于同一目录中的其他训练：它们的日志开头不同。"
    ),
    "Evaluations are not one for each epoch; they are numbered in order ({count:n}) and count as epochs.": (
        "评估不是每轮一次；它们按顺序编号（{count}），每次计为一轮。"
    ),
    "Checkpoints were ranked by {name!r}, best {best:n}; it is read as fitness.": (
        "检查点按 {name} 排序，最佳为 {best}；它被当作 fitness。"
    ),
    "Checkpoints were ranked by {name!r}, smallest {best:n}.": "检查点按 {name} 排序，最小为 {best}。",
    # MLflow, TensorBoard, Weights & Biases
    "The run that started last was read ({name!r}); {count:n} other(s) were left aside.": (
        "读取了最后启动的训练（{name}）；另外 {count} 个没有使用。"
    ),
    "MLflow recorded the status {status!r}.": "MLflow 记录的状态为 {status}。",
    "{count:n} event files were read as one history.": "{count} 个事件文件按同一历史读取。",
    "The steps go back {count:n} time(s), first to {step:n}: the training was started again; what it wrote again replaces the "
    "earlier values from there on.": (
        "步数回退了 {count} 次，首次回到 {step}：训练重新启动过；它再次写入的值从那里起取代先前的值。"
    ),
    "{count:n} values were written again for the same tag and step; the last of each was taken.": (
        "{count} 个值在同一标签（tag）和步上写了多次；取最后一次。"
    ),
    "{count:n} torn record(s) at the end of a file dropped.": "丢弃了文件末尾不完整的 {count} 条记录。",
    "No history could be read; wandb-summary.json holds the last values only.": (
        "无法读取历史；wandb-summary.json 中只有最后的值。"
    ),
    "wandb recorded that the process ended with code {code:n}.": "wandb 记录进程以代码 {code} 结束。",
    "{count:n} damaged or torn record(s) of the .wandb file dropped.": "丢弃了 .wandb 文件中损坏或不完整的 {count} 条记录。",
    "The configuration is too large and was not used.": "配置过大，没有使用。",
    # our own recording
    "events: {count:n} values of an unexpected type left out": "事件：略去 {count} 个类型不符的值",
    "{count:n} steps of an earlier training in the same folder are left out": "略去同一目录中先前训练的 {count} 步",
    "{count:n} steps of an earlier training in the same folder are left out: this is the verdict on the last one only; give "
    "each training a folder of its own": "略去同一目录中先前训练的 {count} 步：这里只判断最后一次；请让每次训练使用自己的目录",
    "{count:n} step rows could not be written by the training (disk full or folder gone)": (
        "训练未能写入 {count} 行（磁盘已满或目录消失）"
    ),
    "An earlier process of this run vanished: {reason}": "这次训练先前的一个进程消失了：{reason}",
    "An earlier process of this run vanished about step {step:n}: {reason}": (
        "这次训练先前的一个进程在第 {step} 步前后消失了：{reason}"
    ),
    "about step {step:n}": "（第 {step} 步前后）",
    "{file!r} is larger than {size:n} MiB and was not read": "{file} 超过 {size} MiB，没有读取",
    "run.json is missing: arguments and hardware are not known": "缺少 run.json：参数和硬件未知",
    "run.json could not be read ({error!s}): arguments and hardware are not known": (
        "run.json 无法读取（{error}）：参数和硬件未知"
    ),
    "run.json holds no object: arguments and hardware are not known": "run.json 不是 JSON 对象：参数和硬件未知",
    "run.json: {names!r} of an unexpected type, left out": "run.json：{names} 类型不符，已略去",
    "{count:n} torn line in {folder!r} dropped": "丢弃了 {folder} 中不完整的 {count} 行",
    "{count:n} torn lines in {folder!r} dropped": "丢弃了 {folder} 中不完整的 {count} 行",
    "{file!r} could not be read ({error!s})": "{file} 无法读取（{error}）",
}
