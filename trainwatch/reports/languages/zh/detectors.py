"""What detectors and signals say, by file. Holes: see :mod:`trainwatch.reports.languages.sentences`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DETECTORS: Final[Mapping[str, str]] = {
    # places, sizes, numbers of things
    "epoch {epoch:n}": "第 {epoch} 轮",
    "epoch {epoch:n} of {planned:n}": "第 {epoch} 轮（共 {planned} 轮）",
    "epoch {epoch:n}, step {step:n}": "第 {epoch} 轮第 {step} 步",
    "epoch {epoch:n} of {planned:n}, step {step:n}": "第 {epoch} 轮（共 {planned} 轮）第 {step} 步",
    "epoch {epoch:n} (step {step:n})": "第 {epoch} 轮（第 {step} 步）",
    "epoch {epoch:n}, step {step:n}, batch {batch:n} of its epoch": "第 {epoch} 轮第 {step} 步，该轮第 {batch} 个批次",
    ", batch {batch:n} of its epoch": "，该轮第 {batch} 个批次",
    "step {step:n}": "第 {step} 步",
    "(step {step:n})": "（第 {step} 步）",
    "in epoch {epoch:n}, step {step:n}": "在第 {epoch} 轮第 {step} 步",
    "in step {step:n}": "在第 {step} 步",
    "in {where}": "在{where}",
    "at {where}": "在{where}",
    "of {planned:n}": "（共 {planned} 轮）",
    "the start": "开始处",
    "one epoch": "1 轮",
    "{count:n} epochs": "{count} 轮",
    "{count:n} times": "{count} 倍",
    "steps": "步",
    "epochs": "轮",
    "optimizer steps": "个优化器步",
    "one epoch of": "1 轮",
    "per epoch": "每轮",
    "{size} per epoch": "每轮 {size}",
    "{size} per epoch (95 %: {low} to {high})": "每轮 {size}（95% 区间：{low} 到 {high}）",
    "(95 %: {low} to {until})": "（95% 区间：{low} 到 {until}）",
    "no upper bound": "无上限",
    "; {planned:n} epochs are planned": "；计划训练 {planned} 轮",
    "At this rate the limit of {limit} is hit at {where}.": "按此速度，将在{where}达到 {limit} 的上限。",
    "At this rate the limit of {limit} is hit at {where}; {planned:n} epochs are planned.": (
        "按此速度，将在{where}达到 {limit} 的上限；计划训练 {planned} 轮。"
    ),
    "At this rate the limit of {limit} is hit at {where} (95 %: {low} to {until}).": (
        "按此速度，将在{where}达到 {limit} 的上限（95% 区间：{low} 到 {until}）。"
    ),
    "At this rate the limit of {limit} is hit at {where} (95 %: {low} to {until}); {planned:n} epochs are planned.": (
        "按此速度，将在{where}达到 {limit} 的上限（95% 区间：{low} 到 {until}）；计划训练 {planned} 轮。"
    ),
    # why a check does not apply
    "column steps {name!r} missing": "缺少逐步的列 {name}",
    "column epochs {name!r} missing": "缺少逐轮的列 {name}",
    "no validation score (fitness, a metric) and no validation loss (val/*)": (
        "没有验证得分（fitness 或其他指标），也没有验证损失（val/*）"
    ),
    "no validation score and no validation loss": "没有验证得分，也没有验证损失",
    "no validation score (fitness, metrics/*)": "没有验证得分（fitness、metrics/*）",
    "no validation metric (metrics/*, fitness)": "没有验证指标（metrics/*、fitness）",
    "no training loss, neither per step (loss) nor per epoch (train/*)": (
        "没有训练损失：既没有逐步的（loss），也没有逐轮的（train/*）"
    ),
    "no training loss, neither per epoch nor per step": "没有训练损失，既没有逐轮的，也没有逐步的",
    "no learning rate, neither per step nor per epoch (lr/*)": "没有学习率，既没有逐步的，也没有逐轮的（lr/*）",
    "fewer than two loss components (loss/* or train/*)": "损失分量少于两个（loss/* 或 train/*）",
    "no box loss (train/*box*, val/*box*)": "没有框损失（train/*box*、val/*box*）",
    "no memory recorded (vram_*, rss_bytes)": "没有记录显存和内存（vram_*、rss_bytes）",
    "no argument copy_paste": "没有参数 copy_paste",
    "no lr0 among the arguments": "参数中没有 lr0",
    "no arguments were recorded": "没有记录参数",
    "whether the labels hold polygons was not recorded": "没有记录标签是否含有多边形",
    "the log has no column for metrics or validation losses": "日志中没有指标或验证损失列",
    "the log holds no events": "日志中没有事件",
    "the record is of one rank": "只记录了一个进程（rank）",
    "the planned epochs are not known": "不知道计划的轮数",
    "only trainwatch's own recorder watches for silence": "只有 trainwatch 自己的记录器才会监视训练是否停住",
    "only trainwatch's own record tells a kill from an end": "只有 trainwatch 自己的记录才能区分被杀死与正常结束",
    "only trainwatch's own record holds a boot id": "只有 trainwatch 自己的记录含有开机标识",
    "only trainwatch's own record holds a fault log": "只有 trainwatch 自己的记录含有崩溃日志",
    "trainwatch's own record keeps starts apart": "trainwatch 自己的记录会把每次启动分开",
    "trainwatch's own record tells how the run ended": "trainwatch 自己的记录会说明训练如何结束",
    # units of measured values
    "times the median": "倍（相对中位数）",
    "times the time before": "倍（相对之前的耗时）",
    "times the others' step": "倍（相对其他进程的每步耗时）",
    "of optimizer steps skipped": "的优化器步被跳过",
    "labels with polygons": "个含多边形的标签",
    "of the time": "的时间",
    "of the validations": "的验证",
    "of the first loss": "（相对最初的损失）",
    "of its first level": "（相对最初的水平）",
    "share of the memory limit": "（占内存上限）",
    "of the memory limit": "（占内存上限）",
    "of the limit": "（占上限）",
    "of the total loss": "（占总损失）",
    "of the rate before": "（相对之前的学习率）",
    "of the validation images": "（占验证图像）",
    "of the largest rate": "（相对最大学习率）",
    "of lr0": "（相对 lr0）",
    "of the reserve": "（占保留显存）",
    "relative difference": "（相对差异）",
    "validation loss over training loss": "（验证损失与训练损失之比）",
    # _average
    "{count:n} tensor of the averaged weights (EMA) holds NaN or infinity.": (
        "平均权重（EMA）中有 {count} 个张量含有 NaN 或无穷大。"
    ),
    "{count:n} tensors of the averaged weights (EMA) hold NaN or infinity.": (
        "平均权重（EMA）中有 {count} 个张量含有 NaN 或无穷大。"
    ),
    "{count:n} tensor of the averaged weights (EMA) holds NaN or infinity ({names!r}).": (
        "平均权重（EMA）中有 {count} 个张量含有 NaN 或无穷大（{names}）。"
    ),
    "{count:n} tensors of the averaged weights (EMA) hold NaN or infinity ({names!r}).": (
        "平均权重（EMA）中有 {count} 个张量含有 NaN 或无穷大（{names}）。"
    ),
    "{count:n} tensor of the averaged weights (EMA) holds NaN or infinity ({names!r} and others).": (
        "平均权重（EMA）中有 {count} 个张量含有 NaN 或无穷大（{names} 等）。"
    ),
    "{count:n} tensors of the averaged weights (EMA) hold NaN or infinity ({names!r} and others).": (
        "平均权重（EMA）中有 {count} 个张量含有 NaN 或无穷大（{names} 等）。"
    ),
    # amp_scale_collapse
    "Gradient scaler collapses": "梯度缩放器崩溃",
    "Gradient scaler collapses from {where} on": "梯度缩放器从{where}起崩溃",
    "From {where} (step {step:n}) on, the scaler skipped {count:n} of {span:n} optimizer steps ({share:n} %; healthy: one in "
    "2000) and fell from {before:n} to {lowest:n}.": (
        "从{where}（第 {step} 步）起，缩放器跳过了 {span} 个优化器步中的 {count} 个（{share}%；正常情况约为 2000 "
        "步跳过一步），缩放系数从 {before} 降到 {lowest}。"
    ),
    "It has not recovered at the end.": "直到结束也没有恢复。",
    "It recovered afterwards.": "之后恢复了。",
    # bad_batch
    "One batch stands out": "有一个批次明显异常",
    "One batch stands": "有一个批次",
    "{count:n} batches stand out": "有 {count} 个批次明显异常",
    "{count:n} batches stand": "有 {count} 个批次",
    "The loss of one batch ({where}) is {loss:n}, {times:n} times the median of the steps before; afterwards the training "
    "goes on as it was.": "有一个批次（{where}）的损失为 {loss}，是此前各步中位数的 {times} 倍；之后训练照常继续。",
    "So do the batches at steps {steps}.": "第 {steps} 步的批次也是如此。",
    # close_mosaic_jump
    "Curves jump at {where}, where mosaic is closed": "曲线在{where}关闭 mosaic 时跳变",
    "{name} is {after:n} where {expected:n} was to be expected": "{name} 为 {after}，而按趋势应为 {expected}",
    "Mosaic ends at {where}, and curves leave the trend of the epochs before: {told} (medians of up to {window:n} epochs on "
    "either side).": "mosaic 在{where}关闭，曲线偏离了此前各轮的趋势：{told}（两侧各至多 {window} 轮的中位数）。",
    "That is how it should be.": "这属于正常现象。",
    "The score is lower without mosaic: if it stays so, close_mosaic=0 keeps mosaic on to the end.": (
        "没有 mosaic 时得分更低：若一直如此，close_mosaic=0 可让 mosaic 保持到最后。"
    ),
    # copy_paste_inert
    "copy_paste={value} does nothing: the labels are boxes": "copy_paste={value} 不起作用：标签是框",
    "copy_paste={value} was in force, but no label holds a polygon, without which it does nothing.": (
        "设置了 copy_paste={value}，但没有任何标签含有多边形；没有多边形，它就不起作用。"
    ),
    "copy_paste={value} was in force, but no label of the {images:n} training images holds a polygon, without which it does "
    "nothing.": ("设置了 copy_paste={value}，但 {images} 张训练图像的标签都不含多边形；没有多边形，它就不起作用。"),
    "of the {images:n} training images": "（{images} 张训练图像）",
    # dataloader_bound
    "{share:n} % of the time is waiting for data": "{share}% 的时间在等待数据",
    "{duration} of the recorded time ({share:n} %) is waiting for data at {where}, from {first} to {last}.": (
        "从{first}到{last}，有 {duration} 的记录时间（{share}%）在{where}等待数据。"
    ),
    "{duration} of the recorded time ({share:n} %) is waiting for data at {where} with workers={workers}, from {first} to "
    "{last}.": ("从{first}到{last}，有 {duration} 的记录时间（{share}%）在{where}等待数据（workers={workers}）。"),
    "with workers={workers}": "（workers={workers}）",
    "every batch": "每个批次",
    "the start of each epoch": "每轮开始时",
    # dead_output
    "The model's output has died by {where}": "到{where}时模型的输出已失效",
    "In {count:n} of {of:n} validated epochs every validation loss is exactly 0, no number or beyond all bounds, and "
    "the best {score} of all is {level:n}: it answers nothing.": (
        "在 {of} 个有验证的轮次中，有 {count} 轮的所有验证损失要么恰好为 0，要么不是数值，要么大得离谱，而且最高的 {score} 只有 "
        "{level}：模型没有输出任何结果。"
    ),
    "The training loss fell from {level:n} to {end:n} although {score} was at best {best:n}: the model answers nothing "
    "everywhere, and has no gradient left.": (
        "训练损失从 {level} 降到 {end}，但 {score} 最高只有 {best}：模型对所有输入都没有输出，也不再有梯度。"
    ),
    # degraded_after_best
    "Score ends {share:n} % below its best": "最终得分比最佳得分低 {share}%",
    "{score} held its best level of {best:n} around {where} and ends at {end:n}, {share:n} % lower; its noise from epoch to "
    "epoch is {noise:n}.": (
        "{score} 在{where}前后保持最佳水平 {best}，结束时为 {end}，低了 {share}%；其轮间噪声为 {noise}。"
    ),
    "best.pt is the better checkpoint, not last.pt.": "更好的检查点是 best.pt，而不是 last.pt。",
    # early_stopped
    "Stopped early at {where}": "在{where}提前停止",
    "The training stopped by itself at {where}.": "训练在{where}自行停止。",
    "The training stopped by itself at {where}: validation had not improved for {waited:n} epochs, since {best}.": (
        "训练在{where}自行停止：自{best}以来，验证得分已有 {waited} 轮没有提高。"
    ),
    "The training stopped by itself at {where}: validation had not improved for {waited:n} epochs, since {best} (fitness "
    "{fitness:n}).": "训练在{where}自行停止：自{best}（fitness {fitness}）以来，验证得分已有 {waited} 轮没有提高。",
    "The training stopped by itself at {where}": "训练在{where}自行停止",
    ": validation had not improved for {waited:n} epochs, since {best}": "：自{best}以来，验证得分已有 {waited} 轮没有提高",
    "(fitness {fitness:n})": "（fitness {fitness}）",
    ". The patience is {patience:n} epochs.": "。patience 为 {patience} 轮。",
    "The patience is {patience:n} epochs.": "patience 为 {patience} 轮。",
    # few_updates
    "the batches of the plan, or those behind an optimizer step, were not recorded": (
        "没有记录计划的批次数，或每个优化器步累积的批次数"
    ),
    "The plan holds about {updates:n} optimizer steps": "整个计划只有约 {updates} 个优化器步",
    "One batch (batch={batch:n}) takes {taken:n} of the {images:n} training images, so the {epochs:n} epochs of the plan give "
    "about {updates:n} optimizer steps in all: the weights hardly move.": (
        "一个批次（batch={batch}）就取走了 {images} 张训练图像中的 {taken} 张，因此计划的 {epochs} 轮总共只有约 {updates} 个优化器步：权重几乎没有更新。"
    ),
    "{behind:n} batches are added up for one optimizer step, so the {batches:n} batches of the plan give about {updates:n} "
    "steps in all: the weights hardly move.": (
        "每个优化器步要累积 {behind} 个批次，因此计划的 {batches} 个批次总共只有约 {updates} 步：权重几乎没有更新。"
    ),
    # gradient_explosion
    "Gradients explode": "梯度爆炸",
    "Gradients explode from {where} on": "梯度从{where}起爆炸",
    "From {where} (step {step:n}) on, the gradient norm per sample was at least {ratio:n} times the median of the steps before "
    "in {spikes:n} optimizer steps; the largest norm is {peak:n}, {times:n} times {level:n}, at step {at:n}.": (
        "从{where}（第 {step} 步）起，有 {spikes} 个优化器步的每样本梯度范数达到此前各步中位数的 {ratio} 倍以上；最大值为 "
        "{peak}，是 {level} 的 {times} 倍，出现在第 {at} 步。"
    ),
    "The loss does not follow.": "损失没有随之上升。",
    "The total loss rises to {times:n} times its level.": "总损失升到其水平的 {times} 倍。",
    "The total loss stops being a number.": "总损失不再是有限数值。",
    "The total loss {rises}.": "总损失{rises}。",
    "rises to {times:n} times its level": "升到其水平的 {times} 倍",
    "stops being a number": "不再是有限数值",
    # gradient_vanishing
    "Gradients vanish": "梯度消失",
    "Gradients vanish from {where} on": "梯度从{where}起消失",
    "Layers stop learning from {where} on": "部分层从{where}起停止学习",
    "From {where} (step {step:n}) to the end the gradient norm per sample "
    "is {times:n} times its level in the first epochs ({level:n} against {baseline:n}).": (
        "从{where}（第 {step} 步）到结束，每样本梯度范数是最初几轮的 {times} 倍（{level}，最初为 {baseline}）。"
    ),
    "From {where} (step {step:n}) to the end the gradient norm per sample "
    "is exactly 0, against its level in the first epochs ({level:n} against {baseline:n}).": (
        "从{where}（第 {step} 步）到结束，每样本梯度范数恰好为 0，远低于最初几轮的水平（{level}，最初为 {baseline}）。"
    ),
    "From {where} (step {step:n}) to the end the gradient norm per sample of layer {layers!s} "
    "is {times:n} times its level in the first epochs ({level:n} against {baseline:n}).": (
        "从{where}（第 {step} 步）到结束，层 {layers} 的每样本梯度范数是最初几轮的 {times} 倍（{level}，最初为 {baseline}）。"
    ),
    "From {where} (step {step:n}) to the end the gradient norm per sample of layer {layers!s} "
    "is exactly 0, against its level in the first epochs ({level:n} against {baseline:n}).": (
        "从{where}（第 {step} 步）到结束，层 {layers} 的每样本梯度范数恰好为 0，远低于最初几轮的水平（{level}，最初为 {baseline}）。"
    ),
    "From {where} (step {step:n}) to the end the gradient norm per sample of layers {layers!s} "
    "is {times:n} times its level in the first epochs ({level:n} against {baseline:n}).": (
        "从{where}（第 {step} 步）到结束，层 {layers} 的每样本梯度范数是最初几轮的 {times} 倍（{level}，最初为 {baseline}）。"
    ),
    "From {where} (step {step:n}) to the end the gradient norm per sample of layers {layers!s} "
    "is exactly 0, against its level in the first epochs ({level:n} against {baseline:n}).": (
        "从{where}（第 {step} 步）到结束，层 {layers} 的每样本梯度范数恰好为 0，远低于最初几轮的水平（{level}，最初为 {baseline}）。"
    ),
    "of layer {layers!r}": "（层 {layers}）",
    "of layers {layers!r}": "（层 {layers}）",
    "exactly 0, against": "恰好为 0，远低于",
    # hang
    "The training stood still": "训练卡住了",
    "The training stood still (rank {rank:n})": "训练卡住了（rank {rank}）",
    "(rank {rank:n})": "（rank {rank}）",
    "No step ended for {quiet:n} s; {after}.": "有 {quiet} s 没有完成任何一步；{after}。",
    "No step ended for {quiet:n} s, waiting in {function!r} ({file!r}, line {line:n}); {after}.": (
        "有 {quiet} s 没有完成任何一步，停在 {function}（{file} 第 {line} 行）；{after}。"
    ),
    "it went on later": "之后又继续了",
    "it went on later ({count:n} times in all)": "之后又继续了（共 {count} 次）",
    "the record does not say that it went on": "记录中没有它继续的迹象",
    "the record does not say that it went on ({count:n} times in all)": "记录中没有它继续的迹象（共 {count} 次）",
    "({count:n} times in all)": "（共 {count} 次）",
    ", waiting in {function!r} ({file!r}, line {line:n})": "，停在 {function}（{file} 第 {line} 行）",
    # host_memory_creep
    "Host memory grows by {size} per epoch": "主机内存每轮增长 {size}",
    "Resident memory rises from {start} at {first} to {end} at {last}, by {rate}, and does not level off.": (
        "常驻内存从{first}的 {start} 升到{last}的 {end}，{rate}，且没有趋于平稳。"
    ),
    # killed
    "Killed": "被杀死",
    "Killed in {where}": "在{where}被杀死",
    "Killed before the first step": "在第一步之前被杀死",
    "Killed by the out-of-memory killer in {where}": "在{where}被内存不足杀手（OOM killer）杀死",
    "Killed by the out-of-memory killer before the first step": "在第一步之前被内存不足杀手（OOM killer）杀死",
    "Rank {rank:n} was killed": "rank {rank} 被杀死",
    "Rank {rank:n} was killed in {where}": "rank {rank} 在{where}被杀死",
    "Rank {rank:n} was killed before the first step": "rank {rank} 在第一步之前被杀死",
    "Rank {rank:n} was killed by the out-of-memory killer in {where}": "rank {rank} 在{where}被内存不足杀手（OOM killer）杀死",
    "Rank {rank:n} was killed by the out-of-memory killer before the first step": (
        "rank {rank} 在第一步之前被内存不足杀手（OOM killer）杀死"
    ),
    "by the out-of-memory killer": "被内存不足杀手（OOM killer）",
    "{who} before the first step": "{who}，在第一步之前",
    "of rank {rank:n}": "（rank {rank}）",
    "The record stops after {where} without an end mark, an exception or a catchable signal: the process was ended from "
    "outside.": "记录在{where}之后中断，没有结束标记、异常或可捕获的信号：进程是被外部终止的。",
    "The record of rank {rank:n} stops after {where} without an end mark, an exception or a catchable signal: the process was "
    "ended from outside.": "rank {rank} 的记录在{where}之后中断，没有结束标记、异常或可捕获的信号：进程是被外部终止的。",
    "Its memory was not recorded, so who sent the signal cannot be told.": "没有记录它的内存，因此无法判断是谁发出的信号。",
    "It held {held} and the limit is not known, so who sent the signal cannot be told.": (
        "它占用 {held}，而上限未知，因此无法判断是谁发出的信号。"
    ),
    "It held {held} of the {limit} that it was allowed ({share:n} %)": "它占用了允许的 {limit} 中的 {held}（{share}%）",
    "It held {held} of the {limit} that it was allowed ({share:n} %): the kernel's out-of-memory killer is the likely cause.": (
        "它占用了允许的 {limit} 中的 {held}（{share}%）：很可能是内核的内存不足杀手（OOM killer）所为。"
    ),
    "It held {held} of the {limit} that it was allowed ({share:n} %), so memory pressure is not the obvious cause and who sent "
    "the signal cannot be told.": (
        "它占用了允许的 {limit} 中的 {held}（{share}%），因此内存压力并不是明显的原因，无法判断是谁发出的信号。"
    ),
    "{held}: the kernel's out-of-memory killer is the likely cause.": (
        "{held}：很可能是内核的内存不足杀手（OOM killer）所为。"
    ),
    "{held}, so memory pressure is not the obvious cause and who sent the signal cannot be told.": (
        "{held}，因此内存压力并不是明显的原因，无法判断是谁发出的信号。"
    ),
    # loss_explosion
    "Training loss explodes": "训练损失爆炸",
    "Training loss explodes from {where} on": "训练损失从{where}起爆炸",
    "total loss": "总损失",
    "The total loss": "总损失",
    "From {where} on the {what} jumps far above its level of {level:n}; the largest value is {peak:n}, {times:n} times that "
    "level.": "从{where}起，{what} 远远跳出其水平 {level}；最大值为 {peak}，是该水平的 {times} 倍。",
    "It ends at {end:n}, less than a thousandth of what it was: the model's output has died.": (
        "结束时为 {end}，不到原来的千分之一：模型的输出已失效。"
    ),
    "It does not come back.": "之后没有回落。",
    "It comes back.": "之后回落了。",
    "With it: {names}.": "同时跳变的还有：{names}。",
    "{summary} With it: {names}.": "{summary} 同时跳变的还有：{names}。",
    # loss_imbalance
    "{name} is {share:n} % of the training loss": "{name} 占训练损失的 {share}%",
    "{name} is {level:n} in the last third of the run, {share:n} % of the sum of the components (others: {rest!r}); above "
    "{most:n} % they hardly steer the training.": (
        "{name} 在训练的后三分之一为 {level}，占各分量之和的 {share}%（其他：{rest}）；超过 {most}% "
        "时，其他分量几乎不再影响训练。"
    ),
    # lr_overridden
    "lr0={asked} was asked for, {actual:n} is in force": "要求 lr0={asked}，实际生效的是 {actual}",
    "lr0={asked} was asked for, but the training ran with {actual:n}: {why}": (
        "要求 lr0={asked}，但训练实际使用的是 {actual}：{why}"
    ),
    "optimizer=auto ignores lr0 and chose its own.": "optimizer=auto 会忽略 lr0，自行选择学习率。",
    "a resumed run takes its arguments from the checkpoint.": "续训（resume）时，参数取自检查点。",
    # lr_too_small
    "Learning rate is practically zero from {where} on": "学习率从{where}起几乎为零",
    "From {where} on, for {off:n} of {rows:n} {unit}, the largest learning rate is {now:n}, {share:n} times what it was at its "
    "highest ({largest:n}): the weights cannot move.": (
        "从{where}起，在 {rows} {unit}中的 {off} {unit}里，最大的学习率为 {now}，是其最高值（{largest}）的 {share} "
        "倍：权重无法更新。"
    ),
    "Learning rate is cut to {share:n} of itself at {where}": "学习率在{where}骤降到原来的 {share} 倍",
    "At {where} the learning rate falls from {before:n} to {after:n} at once, and never exceeds {highest:n} again, for {left:n} "
    "of {rows:n} {unit}: from there on the weights hardly move.": (
        "在{where}，学习率从 {before} 一下子降到 {after}，此后（{rows} {unit}中的 {left} {unit}）再也没有超过 {highest}："
        "从那里起，权重几乎没有更新。"
    ),
    "Warm-up takes most of the training": "预热占用了大部分训练",
    "The warm-up takes {end:n} epochs, the plan has {planned:n}: in {done:n} epochs the learning rate never exceeded "
    "{largest:n}, {share:n} times the lr0={asked} that was asked for.": (
        "预热需要 {end} 轮，而计划只有 {planned} 轮：在 {done} 轮中，学习率从未超过 {largest}，只有所要求的 lr0={asked} 的 "
        "{share} 倍。"
    ),
    "Learning rate of {largest:n} is too small to learn": "学习率 {largest} 太小，学不到东西",
    "After the warm-up the learning rate never exceeds {largest:n} (too small for {optimizer!r}: {bound:n} or less), and the "
    "training loss fell by {fall:n} % only.": (
        "预热之后学习率从未超过 {largest}（对 {optimizer} 来说，不超过 {bound} 就算过小），训练损失只下降了 {fall}%。"
    ),
    # machine_down, native_crash
    "The machine went down in {where}": "机器在{where}宕机",
    "Native code crashed in {where}": "本地代码在{where}崩溃",
    "Native code of rank {rank:n} crashed in {where}": "rank {rank} 的本地代码在{where}崩溃",
    # memory_creep
    "Device memory grows by {size} per epoch ({kind})": "显存每轮增长 {size}（{kind}）",
    "Memory held by live tensors between batches": "批次之间由存活张量占用的显存",
    "The allocator's reserve": "分配器保留的显存",
    ", while live tensors hold no more than before": "，而存活张量占用的显存并未增加",
    "{what} rises from {start} at {first} to {end} at {last}, by {rate}, and does not level off.": (
        "{what}从{first}的 {start} 升到{last}的 {end}，{rate}，且没有趋于平稳。"
    ),
    "{what} rises from {start} at {first} to {end} at {last}, by {rate}, while live tensors hold no more than before, and does "
    "not level off.": (
        "{what}从{first}的 {start} 升到{last}的 {end}，{rate}，而存活张量占用的显存并未增加，且没有趋于平稳。"
    ),
    "leak": "泄漏",
    "fragmentation": "碎片化",
    "allocator": "分配器",
    # memory_fragmentation
    "{share:n} % of the reserved device memory is in pieces": "保留的显存中有 {share}% 已碎片化",
    "The allocator's reserve holds {level} of {held} ({share:n} %) {what}; it was {before} at {first} and grows (p = {p:n}).": (
        "分配器保留的 {held} 显存中，有 {level}（{share}%）{what}；它在{first}为 {before}，并在增长（p = {p}）。"
    ),
    "beyond what tensors ever used at a time": "超出了张量任何时刻用到的量",
    "in free pieces inside split blocks": "是已分割块中的空闲碎片",
    "inactive split blocks": "不活动的已分割块",
    # metric_frozen
    "Metrics are frozen since {where}": "指标自{where}起不再变化",
    "Every metric repeats its value of {where} exactly in all {count:n} epochs since ({score} {value:n}), and {why}: "
    "validation looks at weights that no longer change.": (
        "自{where}以来的 {count} 轮中，每个指标都一成不变地重复当时的值（{score} {value}），而且{why}：验证所用的权重已不再变化。"
    ),
    "the validation loss is not finite": "验证损失不是有限值",
    "the validation losses repeat as well, while the training loss goes on changing": (
        "验证损失也在重复，而训练损失仍在变化"
    ),
    # metrics_not_measured
    "Metrics were not measured": "没有测量指标",
    "Metrics were not measured before the last epoch": "最后一轮之前没有测量指标",
    "No validation was run in {count:n} of the {of:n} epochs{told}: the zeros in the log stand for values that were not "
    "measured.": "{of} 轮中有 {count} 轮没有运行验证{told}：日志中的 0 代表没有测量的值。",
    "No validation was run in {count:n} of the {of:n} epochs: the zeros in the log stand for values that were not measured.": (
        "{of} 轮中有 {count} 轮没有运行验证：日志中的 0 代表没有测量的值。"
    ),
    "although the arguments do not say so": "（尽管参数中没有这样设置）",
    "although the arguments do not say so before the last epoch": "（最后一轮之前，尽管参数中没有这样设置）",
    "before the last epoch": "（最后一轮之前）",
    "They show neither a failure to learn nor, in the last epoch, a breakthrough.": (
        "它们既不说明模型没有学到东西，也不说明最后一轮有突破。"
    ),
    # missing_labels
    "No labels in the {names}": "{names}中没有标签",
    "training set": "训练集",
    "validation set": "验证集",
    "the validation set": "验证集",
    "training set and the validation set": "训练集和验证集",
    "and the": "和",
    "{name} is exactly 0 in all {count:n} epochs up to {last} although the other components are not: the loss finds no object, "
    "so the {names} has no labels that the trainer can read.": (
        "到{last}为止的全部 {count} 轮中，{name} 恰好为 0，而其他分量并非如此：损失找不到任何目标，因此{names}中没有训练"
        "器能读取的标签。"
    ),
    # momentum_too_high
    "the momentum in force was not recorded": "没有记录生效的动量",
    "the batches of the plan were not recorded": "没有记录计划的批次数",
    "Momentum {momentum:n} remembers {memory:n} of {updates:n} optimizer steps": (
        "动量 {momentum} 的记忆长达 {memory} 个优化器步（共 {updates} 个）"
    ),
    "A momentum of {momentum:n} averages over {memory:n} optimizer steps, the plan has {updates:n}: each step is as long as one "
    "of {times:n} times the rate, and the first gradients push to the end.": (
        "{momentum} 的动量相当于对 {memory} 个优化器步取平均，而计划只有 {updates} 步：每一步相当于 {times} 倍学习率的一步，"
        "而且最初的梯度会一直影响到结束。"
    ),
    # near_memory_limit
    "{place} memory is {share:n} % used": "{place}已使用 {share}%",
    "Device memory is {share:n} % used": "显存已使用 {share}%",
    "Host memory is {share:n} % used": "主机内存已使用 {share}%",
    "At most, {who} {top} of {limit} ({share:n} %); {passed:n} % was passed at {where} (step {step:n}).": (
        "最多时，{who} {limit} 中的 {top}（{share}%）；在{where}（第 {step} 步）超过了 {passed}%。"
    ),
    "tensors held": "张量占用",
    "the allocator reserved": "分配器保留",
    "the process held": "进程占用",
    "The allocator gives cached blocks back before it fails.": "分配器在失败之前会先归还缓存的块。",
    # no_learning
    "Nothing is learnt": "没有学到东西",
    "Nothing learnt in {done:n} epochs": "{done} 轮没有学到东西",
    "{score} has never been above {level:n} in the {count:n} validated epochs up to {last}; {train}.": (
        "到{last}为止的 {count} 个有验证的轮次中，{score} 从未超过 {level}；{train}。"
    ),
    "the training loss is not a number": "训练损失不是有限数值",
    "no training loss is logged": "没有记录训练损失",
    "the training loss went from {first:n} to {last:n} ({change:n} %)": "训练损失从 {first} 变到 {last}（{change}%）",
    "It is too early to judge: such a run may still begin to learn.": "现在判断为时过早：这样的训练之后仍可能开始学习。",
    "So short a training tells little: many begin to learn later.": "训练这么短说明不了什么：很多训练要晚一些才开始学习。",
    "{score} began at {start:n} and is at {end:n} in the last {third:n} of {done:n} epochs, {how}; {train}.": (
        "{score} 开始时为 {start}，在 {done} 轮的最后 {third} 轮中为 {end}，{how}；{train}。"
    ),
    "within its noise of {noise:n}": "没有超出其噪声 {noise}",
    "and the validation loss lies where it began": "而验证损失停在开始时的水平",
    "The training loss never moves": "训练损失从不变化",
    "The training loss is {value:n} in all {steps:n} steps: no batch and no step changes it, so it is not what is trained on, or "
    "not computed from the model.": (
        "训练损失在全部 {steps} 步中都是 {value}：没有任何批次或步骤改变它，因此它不是所训练的损失，或不是由模型计算得出。"
    ),
    "No optimizer step moves a weight": "优化器没有移动任何权重",
    "No optimizer step moves a weight from {where} on": "自{where}起，优化器没有移动任何权重",
    "In the last {still:n} of {measured:n} optimizer steps at which it was measured, from {where} (step {step:n}) on, the weights "
    "that the optimizer holds did not move at all, at a learning rate above 0: they are not those of the model, they are frozen, "
    "or every step is skipped.": (
        "在测量过的 {measured} 个优化器步的最后 {still} 个中，自{where}（第 {step} 步）起，优化器所持有的权重完全没有移动，而学习率"
        "大于 0：它们不是模型的权重，或被冻结，或每一步都被跳过。"
    ),
    "In {done:n} epochs neither the training loss ({train:n}) nor the validation loss ({val:n}) has moved by more than "
    "{share:n} %.": "{done} 轮中，训练损失（{train}）和验证损失（{val}）的变化都不超过 {share}%。",
    "A loss is no number from the start: nothing learnt is what follows from it.": (
        "损失从一开始就不是有限数值：没有学到东西是由此造成的。"
    ),
    "Hardly anything learnt in {done:n} epochs": "{done} 轮几乎没有学到东西",
    "{name} is at {best:n} at best after all {done:n} planned epochs: {share:n} % of what is possible.": (
        "计划的 {done} 轮全部完成后，{name} 最高只有 {best}：是可能达到的最高值的 {share}%。"
    ),
    # nonfinite_loss
    "NaN": "NaN",
    "infinite": "无穷大",
    "Training loss is {kind} from {where} on": "训练损失从{where}起为 {kind}",
    "Training loss is {kind} in {count:n} {unit}, rescued": "训练损失有 {count} {unit}为 {kind}，已被挽救",
    "Training loss is {kind}": "训练损失为 {kind}",
    "in {count:n} {unit}, rescued": "（{count} {unit}，已被挽救）",
    "from {where} on": "从{where}起",
    "{what} is {kind} from {where} on, in {count:n} of the {since:n} {unit} since then.": (
        "{what} 从{where}起为 {kind}，此后 {since} {unit}中有 {count} {unit}如此。"
    ),
    "{what} are {kind} from {where} on, in {count:n} of the {since:n} {unit} since then.": (
        "{what} 从{where}起为 {kind}，此后 {since} {unit}中有 {count} {unit}如此。"
    ),
    "The trainer replayed the epoch {count:n} times from last.pt.": "训练器从 last.pt 把这一轮重跑了 {count} 次。",
    "The trainer replayed the epoch {count:n} times from last.pt and gave up.": (
        "训练器从 last.pt 把这一轮重跑了 {count} 次，最后放弃。"
    ),
    "The trainer replayed the epoch {count:n} times from last.pt": "训练器从 last.pt 把这一轮重跑了 {count} 次",
    "and gave up.": "，最后放弃。",
    "It became finite again, but the validation loss did not: the averaged weights that are validated and saved stay spoilt.": (
        "它后来恢复为有限值，但验证损失没有：用于验证和保存的平均权重仍是坏的。"
    ),
    "The stabiliser rescue let none of them reach the weights; its events name the images.": (
        "稳定器 rescue 没有让任何一个影响到权重；其事件中列出了相应的图像。"
    ),
    "The gradient norm had left its level {steps:n} optimizer steps before.": "梯度范数在此前 {steps} 个优化器步就已偏离其水平。",
    "The gradient norm gave no warning before it.": "此前梯度范数没有任何预兆。",
    # nonfinite_validation
    "Validation loss is not a number from {where} on": "验证损失从{where}起不是有限数值",
    "Averaged weights are not finite from {where} on": "平均权重（EMA）从{where}起不是有限值",
    "From {where} on, {average}": "从{where}起，{average}",
    "Validation and checkpoints use that average, and one such step spoils it for good, also where the training loss is "
    "finite.": "验证和检查点都使用这个平均值；即使训练损失是有限的，只要有一步出问题，它就会永久损坏。",
    "The validation loss {name} is not finite from {where} on, in {count:n} of the {since:n} epochs since.": (
        "验证损失 {name} 从{where}起不是有限值，此后 {since} 轮中有 {count} 轮如此。"
    ),
    "The metrics stand still with it: the averaged weights are spoilt, and every epoch since is lost.": (
        "指标也随之不再变化：平均权重已损坏，此后的每一轮都白费了。"
    ),
    "No metric shows that the model is still sound.": "没有指标能说明模型仍然完好。",
    "The metrics go on moving, so only the loss overflows.": "指标仍在变化，因此只是损失溢出。",
    "The training losses are finite again in {share:n} % of those epochs, which hides it.": (
        "在这些轮次的 {share}% 中，训练损失又是有限的，这掩盖了问题。"
    ),
    # out_of_memory
    "device memory": "显存",
    "host memory": "主机内存",
    "Out of {memory}": "{memory}不足",
    "Out of {memory} in {where}": "在{where}{memory}不足",
    "Out of {place} memory, retried": "{place}不足，已重试",
    "Out of device memory, retried": "显存不足，已重试",
    "Out of host memory, retried": "主机内存不足，已重试",
    "The training ended because {memory} ran out.": "训练因{memory}耗尽而结束。",
    "The training ended in {where} because {memory} ran out.": "训练在{where}因{memory}耗尽而结束。",
    "The training ended because {memory} ran out: {more}.": "训练因{memory}耗尽而结束：{more}。",
    "The training ended in {where} because {memory} ran out: {more}.": "训练在{where}因{memory}耗尽而结束：{more}。",
    "The training ended because {memory} ran out, with {last} held at the last recorded step.": (
        "训练因{memory}耗尽而结束，最后记录的一步占用 {last}。"
    ),
    "The training ended in {where} because {memory} ran out, with {last} held at the last recorded step.": (
        "训练在{where}因{memory}耗尽而结束，最后记录的一步占用 {last}。"
    ),
    "The training ended{when} because {memory} ran out": "训练{when}因{memory}耗尽而结束",
    ": {size} more were asked for": "：还需要 {size}",
    "{size} more were asked for": "还需要 {size}",
    "{size} more were asked for, with {last} held at the last recorded step": "还需要 {size}，最后记录的一步已占用 {last}",
    ", with {last} held at the last recorded step": "，最后记录的一步占用 {last}",
    ". It had been retried {count:n} time(s) before.": "。此前已重试 {count} 次。",
    "It had been retried {count:n} time(s) before.": "此前已重试 {count} 次。",
    "The limit that it hit is that of the address space, {limit} (ulimit -v), of which {mapped} were in use: that counts "
    "reserved memory, too, so it is more than is held.": (
        "耗尽的是地址空间，上限为 {limit}（ulimit -v），已映射 {mapped}：它也计入仅保留的部分，所以常驻内存低于该上限。"
    ),
    "The limit in force was that of its container or control group, {limit}.": "生效的是容器或控制组的上限 {limit}。",
    "The limit in force was that of its container or control group, {limit}, of which the process held {held}.": (
        "生效的是容器或控制组的上限 {limit}，其中进程占用 {held}。"
    ),
    "No smaller limit than the machine's memory was in force, {limit}; other processes use it, too.": (
        "除机器内存 {limit} 外没有更小的上限；其他进程也在使用它。"
    ),
    "No smaller limit than the machine's memory was in force, {limit}, of which the process held {held}; other processes use it, "
    "too.": "除机器内存 {limit} 外没有更小的上限，其中本进程占用 {held}；其他进程也在使用它。",
    ", of which the process held {held}": "，其中进程占用 {held}",
    "The limit that it hit was not recorded; it is not the {limit} of the start, but a smaller one set later, such as `ulimit -v` "
    "or a control group's.": (
        "没有记录它触及的上限；那不是开始时的 {limit}，而是之后设置的更小的上限，例如 `ulimit -v` 或控制组的上限。"
    ),
    "The limit that it hit was not recorded.": "没有记录它触及的上限。",
    "All {attempts:n} attempts failed at batch {batches} of the epoch: own code or the data of that batch is the suspect.": (
        "全部 {attempts} 次尝试都在该轮的第 {batches} 批失败：嫌疑在自己的代码或该批次的数据。"
    ),
    "All {attempts:n} attempts failed at batches {batches} of the epoch: own code or the data of these batches is the suspect.": (
        "全部 {attempts} 次尝试都在该轮的第 {batches} 批失败：嫌疑在自己的代码或这些批次的数据。"
    ),
    "It left out {skips:n} optimizer steps, because each gathers {gathered:n} of these steps (micro-batches).": (
        "它跳过了 {skips} 个优化器步，因为每个优化器步累积 {gathered} 个这样的步（微批次）。"
    ),
    "What the allocator held then is in {snapshot!r}; pytorch.org/memory_viz draws it.": (
        "当时分配器占用的内容保存在 {snapshot} 中，可用 pytorch.org/memory_viz 查看。"
    ),
    "The {place} memory ran out {count:n} time(s), first{when}, and the training went on.": (
        "{place}耗尽了 {count} 次，首次{when}，之后训练继续。"
    ),
    "The {place} memory ran out {count:n} time(s), first{when}, and the training went on; the batch became {after:n} instead of "
    "{before:n}.": "{place}耗尽了 {count} 次，首次{when}，之后训练继续；批次大小从 {before} 变为 {after}。",
    "; the batch became {after:n} instead of {before:n}": "；批次大小从 {before} 变为 {after}",
    "device": "显存",
    "host": "主机内存",
    # over_regularised
    "{named} holds the model back, though nothing overfits": "{named} 限制了模型，而模型并没有过拟合",
    "In the last third the validation loss is {ratio:n} times the training loss, so nothing is memorised, and {score} has "
    "reached {level:n} only; {named} is a brake against overfitting.": (
        "在后三分之一，验证损失是训练损失的 {ratio} 倍，说明没有死记训练集，而 {score} 只达到 {level}；{named} "
        "是用来抑制过拟合的。"
    ),
    # unusual_arguments
    "no arguments of Ultralytics were recorded": "没有记录 Ultralytics 的参数",
    "Outside of the usual range: {named}": "超出常用范围：{named}",
    "{score} is {level:n} at best.": "{score} 最高只有 {level}。",
    "Outside of the range that trainings usually have: {named}; {times:n} times beyond its end.": (
        "超出训练常用范围的参数：{named}；为范围端点的 {times} 倍。"
    ),
    "Outside of the range that trainings usually have: {named}; furthest is {name}={value:n}, {times:n} times beyond its end.": (
        "超出训练常用范围的参数：{named}；偏离最远的是 {name}={value}，为范围端点的 {times} 倍。"
    ),
    "times beyond the range": "倍（相对于范围端点）",
    # overfitting
    "Overfitting": "过拟合",
    "by chance: 1 in {times:n}": "偶然出现的概率：{times} 分之一",
    "by chance: less than 1 in a million": "偶然出现的概率：小于百万分之一",
    "Overfitting since {where}": "自{where}起过拟合",
    "The validation loss {name} has its minimum at {where} and has risen by {rise:n} % since ({chance}), while the same "
    "training loss fell by {fall:n} %.": (
        "验证损失 {name} 在{where}达到最小值，此后上升了 {rise}%（{chance}），而同名的训练损失下降了 {fall}%。"
    ),
    "The validation loss {name} ends where it began, while the same training loss fell by {fall:n} %: what is learnt does not carry "
    "over.": "验证损失 {name} 结束时仍停在开始时的水平，而同一项训练损失下降了 {fall}%：学到的东西没有迁移到验证集。",
    "It never lay {share:n} % below where it began: nothing learnt served the validation set.": (
        "它从未比开始时低 {share}%：学到的东西对验证集没有帮助。"
    ),
    "So has: {names}.": "同样如此的还有：{names}。",
    "The score does not make up for it: {fell}.": "得分并没有弥补这一点：{fell}。",
    "it lies {below:n} below its best level": "它比最佳水平低 {below}",
    "it stands still": "它停滞不前",
    "The validation loss {name} no longer falls since {where}, while the same training loss fell by {fall:n} % to less than "
    "{ratio:n} of it: the training set is memorised.": (
        "验证损失 {name} 自{where}起不再下降，而同名的训练损失下降了 {fall}%，不到前者的 {ratio} 倍：训练集已被死记下来。"
    ),
    # plateau
    "Converged since {where}": "自{where}起已收敛",
    "No progress since {where}": "自{where}起没有进步",
    "Flat since {where}": "自{where}起持平",
    "Converged": "已收敛",
    "No progress": "没有进步",
    "Flat": "持平",
    "{score} has not improved by more than {delta:n} since {where}, for {flat:n} of {done:n} epochs; the best is {best:n} at "
    "{at}, the slope since then {slope:n} per epoch (95 %: {low:n} to {high:n}).": (
        "{score} 自{where}起提高不超过 {delta}，在 {done} 轮中持续了 {flat} 轮；最佳值为 {at}的 {best}，此后的斜率为每轮 "
        "{slope}（95% 区间：{low} 到 {high}）。"
    ),
    "The learning rate schedule is spent: the training has converged.": "学习率调度已走完：训练已收敛。",
    "The learning rate is still at {share:n} % of its maximum.": "学习率仍为其最大值的 {share}%。",
    "The noise of the validation would hide slow progress.": "即使有缓慢的进步，也会被验证的噪声掩盖。",
    "The training loss goes on falling: the model memorises the training set.": (
        "训练损失仍在下降：模型在死记训练集。"
    ),
    "The training loss stands still, too.": "训练损失也停滞不前。",
    "val loss": "验证损失",
    # premature_early_stop
    "Patience stopped a rising score at {where}": "得分仍在上升时，patience 在{where}停止了训练",
    "The training stopped at {where} of {planned:n}, although {score} rose by {slope:n} per epoch (95 %: {low:n} to {high:n}) "
    "over the last {count:n} epochs: another {patience:n} would be expected to give {gain:n}.": (
        "训练在{where}（共 {planned} 轮）停止，但在最后 {count} 轮中，{score} 每轮仍上升 {slope}（95% 区间：{low} 到 "
        "{high}）：再训练 {patience} 轮，预计可提高 {gain}。"
    ),
    "The training stopped at {where} of {planned:n}, with the learning rate still at {share:n} % of its maximum, although "
    "{score} rose by {slope:n} per epoch (95 %: {low:n} to {high:n}) over the last {count:n} epochs: another {patience:n} would "
    "be expected to give {gain:n}.": (
        "训练在{where}（共 {planned} 轮）停止，此时学习率仍为最大值的 {share}%；而在最后 {count} 轮中，{score} 每轮仍上升 "
        "{slope}（95% 区间：{low} 到 {high}）：再训练 {patience} 轮，预计可提高 {gain}。"
    ),
    ", with the learning rate still at {share:n} % of its maximum": "，此时学习率仍为最大值的 {share}%",
    # rank_divergence
    "Rank {rank:n} trains another model from {where} on": "rank {rank} 从{where}起训练出不同的模型",
    "From {where} (step {step:n}) on, {name} of rank {rank:n} differs from rank {base:n} {by} to the end; it must be the same "
    "on all ranks.": (
        "从{where}（第 {step} 步）到结束，rank {rank} 的 {name} 与 rank {base} {by}；它在所有 rank 上必须相同。"
    ),
    "From {where} (step {step:n}) on, {name} of rank {rank:n} differs from rank {base:n} {by}, for a while; it must be the same "
    "on all ranks.": (
        "从{where}（第 {step} 步）起的一段时间内，rank {rank} 的 {name} 与 rank {base} {by}；它在所有 rank 上必须相同。"
    ),
    "to the end": "直到结束",
    ", for a while": "，持续了一段时间",
    "by {share:n} %": "相差 {share}%",
    "in being a number at all": "不同：只有其中一个是有限数值",
    "So do: {names}.": "同样如此的还有：{names}。",
    "Rank {rank:n} stopped at {where}, the others went on": "rank {rank} 在{where}停止，其他进程继续",
    "Rank {rank:n} has no step after {where} (step {step:n}), {lag:n} steps before the others.": (
        "rank {rank} 在{where}（第 {step} 步）之后没有任何步，比其他进程早 {lag} 步。"
    ),
    # rank_straggler
    "Rank {rank:n} keeps the others waiting": "rank {rank} 拖慢其他进程",
    "time per step": "每步耗时",
    "wait for data": "等待数据的时间",
    "The {what} of rank {rank:n} is {own:n} s in the median, that of the other {count:n} ranks {others:n} s, over {steps:n} "
    "steps; the slowest rank sets the pace for all.": (
        "在 {steps} 步中，rank {rank} 的{what}中位数为 {own} s，其他 {count} 个 rank 为 {others} s；最慢的 rank "
        "决定所有进程的速度。"
    ),
    # restarted_log
    "The log holds {count:n} starts of the training": "日志中有 {count} 次训练启动",
    "After {after} the log goes on at {at}: {count:n} starts with {rows} rows stand in one file, and {judged}.": (
        "日志在{after}之后从{at}继续：同一文件中有 {count} 次启动，行数分别为 {rows}，{judged}。"
    ),
    "only the last one is judged": "只判断最后一次",
    "it is judged with the epochs before {at} that it went on from": "判断时包括它接续的、{at}之前的各轮",
    # throughput_drop
    "Steps take {times:n} times as long from {where} on": "从{where}起每步耗时变为 {times} 倍",
    "From {where} (step {step:n}) to the end a step takes {seconds:n} s, {times:n} times as long as before; {what}.": (
        "从{where}（第 {step} 步）到结束，每步耗时 {seconds} s，是之前的 {times} 倍；{what}。"
    ),
    "From {where} (step {step:n}) to step {last:n} a step takes {seconds:n} s, {times:n} times as long as before; {what}.": (
        "从{where}（第 {step} 步）到第 {last} 步，每步耗时 {seconds} s，是之前的 {times} 倍；{what}。"
    ),
    "to step {last:n}": "到第 {last} 步",
    "the wait for data grew": "等待数据的时间变长了",
    "the work itself grew": "计算本身变慢了",
    "It cost {duration}.": "因此多花了 {duration}。",
    # tiny_validation
    "The validation set holds {samples:n} samples": "验证集有 {samples} 个样本",
    "It is validated on {samples:n} samples, which leaves a share of right answers a standard error of up to {error:n}.": (
        "验证使用 {samples} 个样本，正确率的标准误差最高可达 {error}。"
    ),
    "The validation set seems to hold {count:n} samples": "验证集似乎只有 {count} 个样本",
    "Every value of {score} in {epochs:n} epochs is a multiple of 1/{samples:n}: it is measured on {count:n} samples or "
    "objects, which leaves a standard error of up to {error:n}.": (
        "{epochs} 轮中 {score} 的每个值都是 1/{samples} 的倍数：它只在 {count} 个样本或目标上测得，标准误差可达 {error}。"
    ),
    # transient_collapse
    "Score collapsed {span} and came back": "得分{span}骤降后恢复",
    "from {first} to {last:n}": "从{first}到第 {last} 轮",
    "{score} fell by {share:n} % of its level of {level:n} {span}, and was back within {time}.": (
        "{score} {span}比其水平 {level} 骤降了 {share}%，并在 {time}内恢复。"
    ),
    "So it did at {count:n} other time.": "另有 {count} 次同样的情况。",
    "So it did at {count:n} other times.": "另有 {count} 次同样的情况。",
    # transient_nonfinite
    "Averaged weights were not finite in {count:n} epoch": "平均权重（EMA）有 {count} 轮不是有限值",
    "Averaged weights were not finite in {count:n} epochs": "平均权重（EMA）有 {count} 轮不是有限值",
    "First in {where}: {average}": "首次在{where}：{average}",
    "They are finite again since.": "此后恢复为有限值。",
    "Validation loss was not finite in {count:n} epoch": "验证损失有 {count} 轮不是有限值",
    "Validation loss was not finite in {count:n} epochs": "验证损失有 {count} 轮不是有限值",
    "The validation loss {what} was {kind} in epoch {names} and is finite again since.": (
        "验证损失 {what} 在第 {names} 轮为 {kind}，此后恢复为有限值。"
    ),
    "The validation loss {what} was {kind} in epoch {names} and is finite again since, all in warm-up.": (
        "验证损失 {what} 在第 {names} 轮为 {kind}（都在预热阶段），此后恢复为有限值。"
    ),
    "The validation loss {what} was {kind} in epoch {names} and is finite again since": (
        "验证损失 {what} 在第 {names} 轮为 {kind}，此后恢复为有限值"
    ),
    ", all in warm-up.": "，都在预热阶段。",
    "{names} and {count:n} more": "{names} 等（另有 {count} 个）",
    "and {count:n} more": "等（另有 {count} 个）",
    # truncated_run
    "The log ends at {where} of {planned:n}": "日志在{where}结束（计划 {planned} 轮）",
    "The log ends at {where} of {planned:n} planned, and early stopping does not explain it: the training was stopped, crashed "
    "or was killed, or it is still running.": (
        "日志在{where}结束，而计划是 {planned} 轮，早停无法解释这一点：训练被停止、崩溃、被杀死，或者仍在运行。"
    ),
    # underfitting
    "Still improving at the planned end": "计划结束时仍在提高",
    "{score} still improved by {gain:n} % over the {count:n} epochs from {where} on, without levelling off, when the planned "
    "epochs were done: more epochs would have made the model better.": (
        "计划的轮数完成时，{score} 在从{where}起的 {count} 轮中仍提高了 {gain}%，没有趋于平稳：再多训练几轮，模型会更好。"
    ),
    # unshuffled_data
    "Batches come in the same order in every epoch": "每轮的批次顺序都相同",
    "In {epochs:n} epochs compared, the place of a batch in its epoch tells its loss (concordance {w:n}; {chance:n} by chance): "
    "the data is not shuffled between epochs.": (
        "比较 {epochs} 轮发现，批次在一轮中的位置就能决定其损失（一致性系数 {w}，随机情况下为 {chance}）：数据在各轮之间"
        "没有打乱。"
    ),
    # unstable_training
    "Training is unstable": "训练不稳定",
    "Training is unstable from {where} on": "训练从{where}起不稳定",
    "{score} swings by {swing:n} % of its level from epoch to epoch (standard deviation)": (
        "{score} 的轮间波动为其水平的 {swing}%（标准差）"
    ),
    "{score} swings by {swing:n} % of its level from epoch to epoch (standard deviation); a sound training's score swings by 1 "
    "to 3 %.": "{score} 的轮间波动为其水平的 {swing}%（标准差）；正常训练的得分波动为 1% 到 3%。",
    "{score} swings by {swing:n} % of its level from epoch to epoch (standard deviation), and fell by more than {depth:n} % "
    "and came back {count:n} times; a sound training's score swings by 1 to 3 %.": (
        "{score} 的轮间波动为其水平的 {swing}%（标准差），并有 {count} 次骤降超过 {depth}% 后恢复；正常训练的得分波动为 1% 到 3%。"
    ),
    "{score} swings by {swing:n} % of its level from epoch to epoch (standard deviation), and fell by more than {depth:n} % "
    "and came back once; a sound training's score swings by 1 to 3 %.": (
        "{score} 的轮间波动为其水平的 {swing}%（标准差），并有 1 次骤降超过 {depth}% 后恢复；正常训练的得分波动为 1% 到 3%。"
    ),
    ", and fell by more than {depth:n} % and came back {count:n} times": "，并有 {count} 次骤降超过 {depth}% 后恢复",
    ", and fell by more than {depth:n} % and came back once": "，并有 1 次骤降超过 {depth}% 后恢复",
    "{text}; a sound training's score swings by 1 to 3 %.": "{text}；正常训练的得分波动为 1% 到 3%。",
    "{score} had reached {top:n} and fell to {value:n} at {where}, and a validation loss swings by {swing:n} % of its level "
    "from epoch to epoch.": (
        "{score} 曾达到 {top}，在{where}降到 {value}，而且有一项验证损失的轮间波动为其水平的 {swing}%。"
    ),
    # validation_is_training
    "whether validation images are training images was not recorded (loops: Recorder.datasets)": (
        "没有记录验证图像是否也是训练图像（自写循环：Recorder.datasets）"
    ),
    "All validation samples are training samples": "所有验证样本都是训练样本",
    "{count:n} of {samples:n} validation samples are training samples": "{samples} 个验证样本中有 {count} 个是训练样本",
    "All validation images are training images": "所有验证图像都是训练图像",
    "{count:n} of {images:n} validation images are training images": "{images} 张验证图像中有 {count} 张是训练图像",
    "{count:n} of the {images:n} validation images are files that the model is trained on: the score tells how well they are "
    "memorised, and overfitting does not show in it.": (
        "{images} 张验证图像中有 {count} 张也用于训练：得分只反映模型把它们记得多牢，看不出过拟合。"
    ),
    "{count:n} of the {samples:n} validation samples are among those that the model is trained on: the score tells how well they "
    "are memorised, and overfitting does not show in it.": (
        "{samples} 个验证样本中有 {count} 个也用于训练：得分只反映模型把它们记得多牢，看不出过拟合。"
    ),
    # signals: origin, rate_jump, update
    "Where it began is not known.": "起点未知。",
    "Where it began is not known": "起点未知",
    "Where it began is not known ({about})": "起点未知（{about}）",
    "Where it began is not known ({about}).": "起点未知（{about}）。",
    "Where it began is not known ({about}); images of that batch: {images!s}.": "起点未知（{about}）；该批次的图像：{images}。",
    "Where it began is not known; images of that batch: {images!s}.": "起点未知；该批次的图像：{images}。",
    "It began in the {place} (step {step:n}): {about}": "起点在{place}（第 {step} 步）：{about}",
    "It began in the {place} (step {step:n}): {about}.": "起点在{place}（第 {step} 步）：{about}。",
    "It began in the {place} (step {step:n}): {about}; images of that batch: {images!s}.": (
        "起点在{place}（第 {step} 步）：{about}；该批次的图像：{images}。"
    ),
    "; images of that batch:": "；该批次的图像：",
    "; images of that batch: {images!s}": "；该批次的图像：{images}",
    # few_updates
    # momentum_too_high
    # validation_is_training
    "{share:n} % of the validation images are training images": "{share}% 的验证图像是训练图像",
    "{count:n} validation images are training images": "{count} 张验证图像是训练图像",
    "input {name!r}": "输入 {name} ",
    "weight {name!r}": "权重 {name} ",
    "module {name!r}": "模块 {name} ",
    "loss term {name!r}": "损失项 {name} ",
    "gradient of {name!r}": "{name} 的梯度",
    "gradient of": "梯度",
    "The learning rate had jumped from {before:n} to {after:n} at step {step:n}.": (
        "学习率在第 {step} 步从 {before} 跳到了 {after}。"
    ),
    "The weights had begun to move further {steps:n} steps before: an update of {value:n} of their norm, {times:n} times as "
    "far as usual.": "此前 {steps} 步，权重的更新就已变大：更新量为权重范数的 {value}，是平时的 {times} 倍。",
}
