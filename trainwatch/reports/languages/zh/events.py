"""What the recorder, its trainers and its stabilisers write into the events. Holes: see ``languages.sentences``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EVENTS: Final[Mapping[str, str]] = {
    # kinds
    "start": "开始",
    "end": "结束",
    "exception": "异常",
    "signal": "信号",
    "oom": "内存不足",
    "nan recovery": "NaN 恢复",
    "checkpoint": "检查点",
    "intervention": "干预",
    "stage": "阶段",
    "lr restart": "学习率重启",
    "mosaic closed": "关闭 mosaic",
    "dropped": "丢弃",
    "hang": "卡住",
    "warning": "警告",
    "nonfinite": "非有限值",
    "dump": "调用栈",
    # recorder
    "recording into {folder!r}": "记录到 {folder}",
    "thread {name!r} died: {error!s}": "线程 {name} 死亡：{error}",
    "went on after {seconds:n} s": "{seconds} s 之后继续",
    "no step has ended for {seconds:n} s (limit {limit:n} s); the stacks show where it waits": (
        "已有 {seconds} s 没有完成任何一步（上限 {limit} s）；调用栈显示它停在哪里"
    ),
    "stacks on demand": "按要求输出的调用栈",
    "{count:n} step rows could not be written": "{count} 行未能写入",
    "the recorder itself failed at: {places!s}. The training was not touched; what was being written then may be missing in the "
    "record": "记录器自身出错的地方：{places}。训练未受影响；当时正在写入的内容可能在记录中缺失",
    "the recorder had errors of its own": "记录器自身出现过错误",
    "(it has no text)": "（没有文字说明）",
    # trainers
    "the {seen!r} of step {step:n} is not finite: {about}": "第 {step} 步的 {seen} 不是有限值：{about}",
    "seen after the optimizer had moved": "在优化器更新之后才发现",
    "{names!r} of step {step:n} not finite; the batch is known, the module is not: it was seen after the optimizer had moved": (
        "第 {step} 步的 {names} 不是有限值；批次已知，模块未知：是在优化器更新之后才发现的"
    ),
    "out of memory with batch={before:n}; the trainer retries with batch={after:n}": (
        "batch={before} 时内存不足；训练器改用 batch={after} 重试"
    ),
    "the trainer replays epoch {epoch:n} from last.pt (attempt {attempt:n})": (
        "训练器从 last.pt 重跑第 {epoch} 轮（第 {attempt} 次尝试）"
    ),
    "mosaic, mixup and copy_paste off for the last {count:n} epochs": "最后 {count} 轮关闭 mosaic、mixup 和 copy_paste",
    "{count:n} tensors of the averaged weights (EMA) are not finite: {names!r}": (
        "平均权重（EMA）中有 {count} 个张量不是有限值：{names}"
    ),
    "weights/last.pt after epoch {epoch:n}": "第 {epoch} 轮后写下 weights/last.pt",
    "weights/last.pt and weights/best.pt after epoch {epoch:n}": "第 {epoch} 轮后写下 weights/last.pt 和 weights/best.pt",
    "after epoch {epoch:n}": "第 {epoch} 轮后",
    "in epoch {epoch:n}": "在第 {epoch} 轮",
    "{file!r} written": "已写入 {file}",
    # traces of numbers that are not finite
    "{count:n} of {of:n} entries of {name!r} are not finite": "{name} 的 {of} 个元素中有 {count} 个不是有限值",
    "{count:n} of {of:n} values of {name!r} are not finite": "{name} 的 {of} 个值中有 {count} 个不是有限值",
    "the output of {name!r} ({kind!r}) is not finite, its input is": "{name}（{kind}）的输入是有限值，输出不是",
    "{name!r} is not finite, the outputs of all modules are": "所有模块的输出都是有限值，而 {name} 不是",
    "the total is not finite, its terms are": "各项都是有限值，而总和不是",
    "the gradient that {name!r} hands back is not finite, the one it gets is": (
        "{name} 收到的梯度是有限值，传回的梯度不是"
    ),
    "the gradients of {count:n} weights are not finite": "{count} 个权重的梯度不是有限值",
    "run again, everything was finite: the number depends on chance or on lost state": (
        "重新运行时一切都是有限值：该数值取决于随机性或已丢失的状态"
    ),
    "loss term": "损失项",
    # checkpoints
    "{file!r} after epoch {epoch:n}": "第 {epoch} 轮后写下 {file}",
    "{file!r} in epoch {epoch:n}": "第 {epoch} 轮中写下 {file}",
    "checkpoints: the weights are not finite, nothing is written": "checkpoints：权重不是有限值，没有写入",
    "checkpoints: the state of {name!r} is not kept ({error!s})": "checkpoints：没有保存 {name} 的状态（{error}）",
    "checkpoints: {names!r} removed to stay in the budget": "checkpoints：为不超出空间预算，删除了 {names}",
    "checkpoints: {name!r} not written: {reason!s}": "checkpoints：未能写入 {name}：{reason}",
    "checkpoints: exact_loader is for a single process, it is off in this training": (
        "checkpoints：exact_loader 只用于单进程，在这次训练中已关闭"
    ),
    "resumed from {path!r} with epoch {epoch:n}": "从 {path} 续训，自第 {epoch} 轮开始",
    "the gradients that waited for their optimizer step are dropped": "等待优化器更新的梯度被丢弃",
    "several processes: the order of the images is another": "多个进程：图像的顺序不同",
    "the order of the images is another ({error!s})": "图像的顺序不同（{error}）",
    "mosaic is on again until epoch {epoch:n}": "mosaic 重新开启，直到第 {epoch} 轮",
    "{name!r} begins anew: its state could not be restored ({error!s})": "{name} 重新开始：其状态无法恢复（{error}）",
    "weights/best.pt is damaged or missing, and no checkpoint has its weights; the next best epoch writes it": (
        "weights/best.pt 损坏或缺失，且没有检查点含有其权重；下一个最佳轮会写入它"
    ),
    "weights/best.pt is damaged or missing and could not be written again ({error!s})": (
        "weights/best.pt 损坏或缺失，且无法重新写入（{error}）"
    ),
    "the data set had {before:n} images and has {now:n}: its order begins anew": (
        "数据集原有 {before} 张图像，现有 {now} 张：顺序重新开始"
    ),
    "the loader has no generator of its own: the order of the images is another": (
        "加载器没有自己的随机数生成器：图像的顺序不同"
    ),
    "the loader has workers: the order of the images is another (see exact_loader)": (
        "加载器有多个工作进程：图像的顺序不同（见 exact_loader）"
    ),
    "the optimizer is {now!r} and was {before!r}: it begins without momentum": (
        "优化器现为 {now}，原为 {before}：从没有动量开始"
    ),
    "the patience of {patience:n} epochs was used up; it counts anew from epoch {epoch:n}": (
        "{patience} 轮的 patience 已用完；从第 {epoch} 轮重新计数"
    ),
    # stabilisers
    "stabilised by {names!r}": "启用的稳定器：{names}",
    "{name!r} failed and is switched off ({error!s})": "{name} 出错，已关闭（{error}）",
    "less than one optimizer step per epoch: {batches:n} micro-batches, {accumulate:n} accumulated; use a smaller accumulate": (
        "每轮不到一个优化器步：{batches} 个小批次，累积 {accumulate} 次；请减小 accumulate"
    ),
    "{count:n} attention blocks run by one fused kernel ({used!r})": "{count} 个注意力块由一个融合内核计算（{used}）",
    "attention: inert, this model has no {name!r} (only YOLO12 has)": "attention：不起作用，该模型没有 {name}（只有 YOLO12 有）",
    "attention: no flash-attn, {why}; PyTorch's kernel is used": "attention：没有使用 flash-attn，{why}；使用 PyTorch 的内核",
    "switched off": "已关闭",
    "it needs half precision, this training runs without amp": "它需要半精度，而这次训练没有开启 amp",
    "it needs a CUDA device, this one is {device!r}": "它需要 CUDA 设备，当前设备是 {device}",
    "it needs compute capability {needed!r}, this GPU has {has!r}": "它需要计算能力 {needed}，该 GPU 为 {has}",
    "flash_attn cannot be imported ({error!s})": "无法导入 flash_attn（{error}）",
    "this build of flash_attn computes something else than PyTorch": "这个版本的 flash_attn 的计算结果与 PyTorch 不同",
    "attention: {name!r} computes something else; left alone": "attention：{name} 的计算不同，保持原样",
    "augmentation: inert, a {task!r} training has other transforms": "augmentation：不起作用，{task} 训练使用别的变换",
    "augmentation: box_copy_paste is inert: {why}": "augmentation：box_copy_paste 不起作用：{why}",
    "it is for task detect, not {task!r}": "它只用于 detect 任务，不用于 {task}",
    "the labels are polygons, along which copy_paste cuts": "标签是多边形，copy_paste 会沿多边形裁剪",
    "rect or text prompts leave no room for it": "使用 rect 或文本提示时无法使用它",
    "this data set has no affine transform to paste before": "该数据集没有仿射变换，无法在其之前粘贴",
    "augmentation: box_copy_paste never acts: close_mosaic={close:n} covers all {epochs:n} epochs": (
        "augmentation：box_copy_paste 从不起作用：close_mosaic={close} 覆盖了全部 {epochs} 轮"
    ),
    "augmentation: copy_paste={value} does nothing: it cuts objects out along polygons, and these labels are boxes.": (
        "augmentation：copy_paste={value} 不起作用：它沿多边形裁剪目标，而这些标签是框。"
    ),
    "Set box_copy_paste (0.1) in stabilise, or mixup, or give polygon labels": (
        "请在 stabilise 中设置 box_copy_paste（0.1），或设置 mixup，或提供多边形标签"
    ),
    "augmentation stage {stage:n} of {of:n}: {shown!s}; mosaic and the mixing ones stay closed": (
        "数据增强阶段 {stage}/{of}：{shown}；mosaic 和混合类增强保持关闭"
    ),
    "augmentation stage {stage:n} of {of:n}: {shown!s}": "数据增强阶段 {stage}/{of}：{shown}",
    "augmentation stage {stage:n}": "数据增强阶段 {stage}",
    "augmentation: {file!r} was not written ({error!s})": "augmentation：未能写入 {file}（{error}）",
    "; mosaic and the mixing ones stay closed": "；mosaic 和混合类增强保持关闭",
    "cache: the allocator's segments are not expandable; export {exports!r} before starting Python": (
        "cache：分配器没有使用可扩展段；请在启动 Python 之前执行 export {exports}"
    ),
    "{share!r} of the reserved memory was never needed at once": "保留的显存中有 {share} 从未同时用到",
    "every {every:n} epochs": "每 {every} 轮",
    "garbage collected ({why}): {objects:n} objects": "垃圾回收（{why}）：{objects} 个对象",
    "cache emptied ({why}): reserved {before:n} MiB, now {after:n} MiB": (
        "清空缓存（{why}）：保留显存由 {before} MiB 变为 {after} MiB"
    ),
    "the score moved by less than {still:n} for {window:n} epochs, and in the countdown after": (
        "得分在 {window} 轮以及随后的倒计时中变化都不到 {still}"
    ),
    "the validation loss is flat (standard deviation {deviation:n}) and so is the score": (
        "验证损失持平（标准差 {deviation}），得分也持平"
    ),
    "gradient norm {norm:n} above {limit:n}": "梯度范数 {norm} 超过 {limit}",
    "gradient norm per sample {norm:n}, {z:n} sigma above its median": "每样本梯度范数 {norm}，高出其中位数 {z} 个标准差",
    "score stagnant: {left:n} epochs left unless it moves": "得分停滞：若仍不变化，还剩 {left} 轮",
    "the score moves again: countdown ended": "得分又开始变化：倒计时结束",
    "converged: {why}; {left:n} of {epochs:n} epochs saved, about {duration!r}": (
        "已收敛：{why}；节省 {epochs} 轮中的 {left} 轮，约 {duration}"
    ),
    "ends the training: {why}": "结束训练：{why}",
    "loss_stages: inert, the loss of this {task!r} model has no such gains": (
        "loss_stages：不起作用，该 {task} 模型的损失没有这些增益"
    ),
    "loss stage {stage:n} of 3: {shown!s}": "损失阶段 {stage}/3：{shown}",
    "loss stage {stage:n}": "损失阶段 {stage}",
    "a restart in {epochs:n} epochs costs more than it gives: half way there is no plateau yet; lr_restart: false switches it "
    "off": "在 {epochs} 轮的训练中重启得不偿失：到一半时还没有停滞；用 lr_restart: false 关闭",
    "learning rate back to {share:n} of its start": "学习率恢复到初始值的 {share} 倍",
    "half precision on {gpu!r} is known to give NaN losses or a score of zero; train with amp=False": (
        "已知在 {gpu} 上半精度会导致损失为 NaN 或得分为零；请用 amp=False 训练"
    ),
    "amp={asked!r} was asked for and is off on {gpu!r}: {why}; the training needs about twice the memory": (
        "要求 amp={asked}，但在 {gpu} 上已关闭：{why}；训练约需两倍显存"
    ),
    "it is known for NaN in half precision": "已知它在半精度下会出现 NaN",
    "Ultralytics' check of AMP failed": "Ultralytics 的 AMP 检查失败",
    "precision: {said!s}": "precision：{said}",
    "precision: inert, this training runs without amp, its loss is float32 already": (
        "precision：不起作用，这次训练没有开启 amp，损失已是 float32"
    ),
    "the loss is computed in float32 ({names!r})": "损失以 float32 计算（{names}）",
    # rescue
    "non-finite loss": "损失非有限",
    "non-finite gradient": "梯度非有限",
    "non-finite weights": "权重非有限",
    "non-finite statistics": "统计量非有限",
    "exploding loss": "损失爆炸",
    "exploding gradient": "梯度爆炸",
    "{count:n} more interventions in this epoch": "本轮另有 {count} 次干预",
    "rescue: inert, this trainer's optimizer_step does not use trainer.scaler": (
        "rescue：不起作用，该训练器的 optimizer_step 没有使用 trainer.scaler"
    ),
    "learning rate": "学习率",
    "{what}, after {count:n} rollbacks": "{what}，在 {count} 次回滚之后",
    "rescue: {what} again right after a rollback, so the weights are not the cause; the level is new": (
        "rescue：回滚之后立即再次{what}，因此原因不在权重；这是新的水平"
    ),
    "step skipped": "跳过该步",
    "learning rate put back": "恢复学习率",
    "rolled back, learning rate times {scale:n}": "已回滚，学习率乘以 {scale}",
    "rolled back, the training ends": "已回滚，训练结束",
    ", limit {limit:n}": "，上限 {limit}",
    "{what} ({measured:n}) in batch {batch:n}: {done}": "批次 {batch} 中{what}（{measured}）：{done}",
    "{what} ({measured:n}, limit {limit:n}) in batch {batch:n}: {done}": (
        "批次 {batch} 中{what}（{measured}，上限 {limit}）：{done}"
    ),
    "rescue failed and is switched off ({error!s})": "rescue 出错，已关闭（{error}）",
}
