"""What the detectors' documentation says under *What to do*, for trainings of Ultralytics. Holes: see ``languages.sentences``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DOCUMENTED: Final[Mapping[str, str]] = {
    # amp_scale_collapse
    "`amp=False`, or `amp='bf16'` where the device has it (compute capability 8.0).": (
        "设置 `amp=False`；若设备支持（计算能力 8.0），也可以设置 `amp='bf16'`。"
    ),
    "Look at the learning rate if the gradient norm rises at the same time.": "若梯度范数同时上升，请检查学习率。",
    # bad_batch
    "Look at the images and labels of the batch named.": "检查所指出的批次的图像和标签。",
    "If it comes back in every epoch, take them out.": "若每轮都再次出现，请去掉它们。",
    # close_mosaic_jump
    "If the score gains much, let more epochs run without mosaic (10 to 20 % of all).": (
        "若得分明显提高，让更多的轮不使用 mosaic（占全部的 10% 到 20%）。"
    ),
    "If it falls, set `close_mosaic=0`.": "若得分下降，请设置 `close_mosaic=0`。",
    # copy_paste_inert
    "`mixup` (or `cutmix`), which work on boxes; or labels with polygons, all of them: in a mixed data set Ultralytics drops the "
    "polygons with a warning.": (
        "使用对框有效的 `mixup`（或 `cutmix`）；或者让所有标签都含多边形：若数据集中两者混用，Ultralytics 会丢弃多边形并给出"
        "警告。"
    ),
    # dataloader_bound
    "Raise `workers` up to the number of cores per device, `cache=disk` or `cache=ram` where the images fit, store the images on "
    "a local disk, at the training size.": (
        "把 `workers` 增大到每个设备的 CPU 核数；若放得下，设置 `cache=disk` 或 `cache=ram`；把图像按训练尺寸存放在本地磁盘。"
    ),
    # dead_output
    "Lower the learning rate tenfold, name the optimizer, warm up longer, and start anew: no checkpoint since is of use.": (
        "把学习率降到十分之一，指定优化器，延长预热，并重新开始：此后的检查点都不可用。"
    ),
    # degraded_after_best
    "Use best.pt.": "使用 best.pt。",
    "If it fell at once, look for what changed there (a restart of the learning rate, an intervention, a resume).": (
        "若是突然下降，检查那里有什么变化（学习率重启、人为干预或续训）。"
    ),
    "If it fell slowly, see overfitting.": "若是缓慢下降，见过拟合（overfitting）。",
    "If training goes on, go on from best.pt with a lower learning rate.": "若要继续训练，从 best.pt 用更低的学习率继续。",
    # early_stopped
    "Nothing, if the curves are flat.": "若曲线持平，无需处理。",
    "If fitness was still rising slowly or the learning rate was still high, raise `patience` or set `patience=0`.": (
        "若 fitness 仍在缓慢上升，或学习率仍然较高，请增大 `patience` 或设置 `patience=0`。"
    ),
    # few_updates
    "Where one batch takes all images, a smaller batch.": "若一个批次就取走所有图像，则减小 batch。",
    "Set `nbs` to `batch`: each batch is a step.": "把 `nbs` 设为 `batch` 的值：每个批次就是一个优化器步。",
    # gradient_explosion
    "Lower the learning rate, with an explicit optimizer (`optimizer=auto` ignores `lr0`), and warm up longer.": (
        "降低学习率并指定优化器（`optimizer=auto` 会忽略 `lr0`），并延长预热。"
    ),
    "Resume from a checkpoint of before the onset, not from last.pt.": "从问题开始之前的检查点续训，不要用 last.pt。",
    # gradient_vanishing
    "Look at what precedes the onset: after an explosion a dead model has no gradient.": (
        "看看问题开始之前发生了什么：爆炸之后失效的模型没有梯度。"
    ),
    "Otherwise look for saturated activations, a loss that is masked or multiplied by zero, or layers frozen by mistake.": (
        "否则检查饱和的激活、被屏蔽或乘以零的损失，或误冻结的层。"
    ),
    # hang
    "Read the stacks in the event (`trainwatch report`).": "查看事件中的调用栈（`trainwatch report`）。",
    "In a collective of a distributed training: look for the rank that is missing.": (
        "若停在分布式训练的集合通信中：找出缺席的 rank。"
    ),
    "In `next` of a loader: its workers or the disk.": "若停在加载器的 `next` 中：检查其工作进程或磁盘。",
    "`kill -USR1 PID` writes the stacks of a training that hangs now.": "`kill -USR1 PID` 可写出当前卡住的训练的调用栈。",
    # host_memory_creep
    "Look for what is kept per step or epoch: losses appended to a list without `.item()` or `.detach()` (each keeps the graph "
    "of its step alive), predictions collected by a callback, figures never closed.": (
        "检查逐步或逐轮保留了什么：加入列表却没有 `.item()` 或 `.detach()` 的损失（每个都会保留该步的计算图）、回调函数收集的"
        "预测、没有关闭的图。"
    ),
    "If nothing is kept, lower `workers`, or `cache`.": "若没有保留任何东西，请减小 `workers` 或减少 `cache`。",
    "Resume from the last checkpoint before the limit is hit: a new process starts empty.": (
        "在达到上限之前从最后的检查点续训：新的进程从空的内存开始。"
    ),
    # killed
    "Look into the machine's own log (`dmesg -T | grep -i -E 'killed process|oom'`, the scheduler's job report) for the time "
    "given.": "在机器的日志中查找所给的时间（`dmesg -T | grep -i -E 'killed process|oom'`，或调度系统的作业报告）。",
    "Resume from the last checkpoint.": "从最后的检查点续训。",
    "If memory was near the limit, lower `workers`, `cache` or `batch` first.": (
        "若内存已接近上限，请先减小 `workers`、`cache` 或 `batch`。"
    ),
    # loss_explosion
    "Lower the learning rate (with an explicit optimizer), warm up longer, and start again from a checkpoint of before the "
    "onset.": "降低学习率（并指定优化器），延长预热，从问题开始之前的检查点重新开始。",
    # loss_imbalance
    "Put the gains (`box`, `cls`, `dfl`) back to their defaults 7.5, 0.5, 1.5 if they were changed; those of YOLOv5 recipes are "
    "too small by 100.": (
        "若改过增益（`box`、`cls`、`dfl`），请恢复默认值 7.5、0.5、1.5；YOLOv5 配方中的增益在这里小了 100 倍。"
    ),
    "Otherwise halve the gain of the component that dominates.": "否则把占主导的分量的增益减半。",
    # lr_overridden
    "Name the optimizer: `optimizer=SGD` (or AdamW, MuSGD) with `lr0`.": (
        "指定优化器：设置 `optimizer=SGD`（或 AdamW、MuSGD）和 `lr0`。"
    ),
    # lr_too_small
    "Raise `lr0` tenfold at a time, end the schedule at `lrf=0.01`, or shorten the warm-up.": (
        "每次把 `lr0` 提高十倍，或用 `lrf=0.01` 作为调度的终点，或缩短预热。"
    ),
    "With `optimizer=auto` name the optimizer, because `auto` ignores `lr0`.": (
        "若 `optimizer=auto`，请指定优化器，因为 `auto` 会忽略 `lr0`。"
    ),
    # machine_down
    "Check that the last checkpoint can be loaded before resuming from it.": "续训之前，先确认最后的检查点可以加载。",
    # memory_creep
    "Leak: look for tensors kept per step or epoch (losses in a list without `.item()` or `.detach()`, outputs kept by a "
    "callback).": (
        "若是泄漏：检查逐步或逐轮保留的张量（放进列表却没有 `.item()` 或 `.detach()` 的损失、回调函数保留的输出）。"
    ),
    "Fragmentation: set `PYTORCH_ALLOC_CONF=expandable_segments:True` before torch is imported, switch `multi_scale` and `rect` "
    "off, empty the cache every few dozen epochs.": (
        "若是碎片化：在导入 torch 之前设置 `PYTORCH_ALLOC_CONF=expandable_segments:True`，关闭 `multi_scale` 和 `rect`，"
        "每隔几十轮清空一次缓存。"
    ),
    "Either way, a smaller `batch` with `nbs` kept buys time, and a resumed process starts empty.": (
        "无论哪种情况，减小 `batch` 并保持 `nbs` 不变都可以争取时间，而续训的进程从空的显存开始。"
    ),
    # memory_fragmentation
    "`PYTORCH_ALLOC_CONF=expandable_segments:True` in the environment, before Python starts; images of one size "
    "(`multi_scale=0`, `rect=False`).": (
        "在启动 Python 之前设置环境变量 `PYTORCH_ALLOC_CONF=expandable_segments:True`；使用同一尺寸的图像（`multi_scale=0`、"
        "`rect=False`）。"
    ),
    # metric_frozen
    "If the validation loss is NaN, see nonfinite-validation.": "若验证损失为 NaN，见 nonfinite-validation。",
    "If not: is the learning rate 0, are layers frozen (`freeze`), does the validated model share its weights with the trained "
    "one?": "否则：学习率是否为 0，是否冻结了层（`freeze`），验证的模型是否与训练的模型共享权重？",
    # metrics_not_measured
    "`val=True`.": "设置 `val=True`。",
    "If validation is too slow, validate on fewer images rather than never.": (
        "若验证太慢，宁可减少验证图像，也不要完全不验证。"
    ),
    # missing_labels
    'Look at the first lines of the trainer\'s console output ("... images, ... backgrounds").': (
        "查看训练器控制台输出的前几行（“... images, ... backgrounds”）。"
    ),
    "Usual causes: the folder is called labels in one place and annotations in another, paths in data.yaml, class numbers beyond "
    "`nc`, labels in another format, a stale `labels.cache`.": (
        "常见原因：标签目录一处叫 labels、另一处叫 annotations，data.yaml 中的路径不对，类别编号超出 `nc`，标签是别的格式，"
        "或 `labels.cache` 已过期。"
    ),
    # momentum_too_high
    "`momentum=0.937`, with a named optimizer.": "设置 `momentum=0.937`，并指定优化器。",
    # native_crash
    "A fault inside `torch` or a driver: try another version of the pair (`trainwatch doctor`), `workers=0`, and a memory test "
    "of the machine.": (
        "若崩溃发生在 `torch` 或驱动内部：试试两者的其他版本组合（`trainwatch doctor`）、`workers=0`，并对机器做内存测试。"
    ),
    "A bus error with loader workers mostly means that /dev/shm is full.": "加载器工作进程的总线错误多半是 /dev/shm 已满。",
    # near_memory_limit
    "Device: a smaller `batch` with `nbs` kept.": "显存：减小 `batch` 并保持 `nbs` 不变。",
    "Host: fewer `workers`, `cache=False` or `cache=disk`.": (
        "主机内存：减少 `workers`，设置 `cache=False` 或 `cache=disk`。"
    ),
    # no_learning
    "Look at train_batch0.jpg: are the boxes where they should be?": "查看 train_batch0.jpg：框的位置是否正确？",
    "Train on ten images without augmentation; a sound set-up memorises them in a few hundred steps.": (
        "用十张图像、不做数据增强训练：正常的设置几百步就能记住它们。"
    ),
    "Then check `nc`, the class numbers, `freeze` and `lr0`.": "然后检查 `nc`、类别编号、`freeze` 和 `lr0`。",
    # nonfinite_loss
    "If the gradient norm had left its level before (the finding says how many steps), the learning rate is the suspect: lower "
    "it.": "若梯度范数此前已偏离其水平（该问题中写明提前多少步），可疑的是学习率：请降低它。",
    "If it came out of the blue, suspect precision and data: try amp=bf16 on GPUs that have it, or amp=False with a guard, and "
    "look at the images of that batch, which the finding names if they were recorded.": (
        "若毫无预兆，应怀疑精度和数据：在支持的 GPU 上试试 amp=bf16，或者 amp=False 并加以保护，再检查该批次的图像（若有记录，"
        "该问题中会列出）。"
    ),
    "If the input itself was not finite, it is the data: mend those images first.": (
        "若输入本身就不是有限值，那就是数据的问题：先修复这些图像。"
    ),
    "Start from a checkpoint of before the onset.": "从问题开始之前的检查点开始。",
    # nonfinite_validation
    "With metrics that stand still: stop, and start again from best.pt with a lower learning rate, or with amp=False (amp=bf16 "
    "on GPUs that have it).": (
        "若指标不再变化：停止训练，从 best.pt 用更低的学习率重新开始，或设置 amp=False（在支持的 GPU 上用 amp=bf16）。"
    ),
    "With metrics that move: the result counts; amp=False mends the loss.": (
        "若指标仍在变化：结果有效；amp=False 可以修复损失。"
    ),
    # out_of_memory
    "Lower `batch` and keep `nbs`, so that accumulation restores the effective batch; then `imgsz`; then a smaller model.": (
        "减小 `batch` 并保持 `nbs` 不变，由梯度累积恢复有效批次大小；然后减小 `imgsz`；再换用更小的模型。"
    ),
    "On the host: fewer `workers`, `cache=disk` or `cache=False`, a higher limit of the container or shell (`ulimit -v`).": (
        "主机内存：减少 `workers`，设置 `cache=disk` 或 `cache=False`，提高容器或 shell 的上限（`ulimit -v`）。"
    ),
    # over_regularised
    "Take the brake off, one training, and compare the score at the same epoch.": (
        "去掉这项限制，训练一次，比较同一轮的得分。"
    ),
    # unusual_arguments
    "The usual value, one training, and compare the score at the same epoch.": "改回常用值，训练一次，比较同一轮的得分。",
    # overfitting
    "Keep best.pt.": "保留 best.pt。",
    "Then more data or stronger augmentation (mixup, copy_paste where labels are polygons), a smaller model, `freeze`, more "
    "weight decay, fewer epochs.": (
        "然后：更多数据或更强的数据增强（mixup；标签为多边形时用 copy_paste）、更小的模型、`freeze`、更大的权重衰减、更少的"
        "轮数。"
    ),
    # plateau
    "With training loss still falling, the model memorises the training set: more data or more augmentation (copy_paste "
    "where labels are polygons, mixup otherwise).": (
        "若训练损失仍在下降，模型在死记训练集：使用更多数据或更强的数据增强（标签为多边形时用 copy_paste，否则用 mixup）。"
    ),
    "With both flat: a warm restart of the learning rate, a larger model or larger images.": (
        "若两者都持平：热重启学习率，或换用更大的模型或更大的图像。"
    ),
    "Or stop, and keep best.pt.": "或者停止训练，保留 best.pt。",
    # premature_early_stop
    "Start again from best.pt, or resume if last.pt holds its optimizer, with `patience` doubled or `patience=0`.": (
        "从 best.pt 重新开始；若 last.pt 含有优化器状态，也可以续训。`patience` 加倍，或设置 `patience=0`。"
    ),
    # rank_divergence
    "Look at the first step named: a skipped step, a non-finite loss on one rank, an epoch of another length.": (
        "检查所指出的第一步：被跳过的步、某个 rank 上非有限的损失、长度不同的一轮。"
    ),
    "Upgrade Ultralytics (before 2026-06 ranks could disagree about AMP).": (
        "升级 Ultralytics（2026-06 之前，各 rank 的 AMP 设置可能不一致）。"
    ),
    "Train with `amp=False` to find out.": "用 `amp=False` 训练以确认。",
    # rank_straggler
    "Compare that rank's disk, cores and device clock with the others'.": (
        "比较该 rank 与其他 rank 的磁盘、CPU 核和设备频率。"
    ),
    "A rank 0 that also writes and validates may need fewer `workers`.": (
        "若 rank 0 还负责写文件和验证，它可能需要更少的 `workers`。"
    ),
    # restarted_log
    "Give each training a folder of its own (another `name`, `exist_ok=False`).": (
        "让每次训练使用自己的目录（换一个 `name`，`exist_ok=False`）。"
    ),
    # throughput_drop
    "Compare `data_s` and `step_s`: if the wait grew, look at the disk and the loader; if the work grew, at the device (clock, "
    "temperature, other processes) and at the number of objects per batch.": (
        "比较 `data_s` 和 `step_s`：若等待变长，检查磁盘和加载器；若计算变慢，检查设备（频率、温度、其他进程）和每批次的"
        "目标数。"
    ),
    # transient_collapse, transient_nonfinite
    "For the next run: a lower learning rate, clipping, a look at the images of that epoch.": (
        "下一次训练：降低学习率、裁剪梯度，并检查那一轮的图像。"
    ),
    "If it recurs late in the training, validate in full precision (half=False) and look at the metrics of those epochs.": (
        "若在训练后期再次出现，请用全精度验证（half=False），并查看那几轮的指标。"
    ),
    # truncated_run
    "Look at the end of the trainer's console output.": "查看训练器控制台输出的末尾。",
    "If `weights/last.pt` still holds the optimizer, resume with `resume=True`.": (
        "若 `weights/last.pt` 仍含有优化器状态，用 `resume=True` 续训。"
    ),
    "Watch the next run, so that its end is on record.": "用 trainwatch 监视下一次训练，以便记录它如何结束。",
    # underfitting
    "Train longer: a new schedule with twice the epochs, from the start or from best.pt.": (
        "训练更长时间：轮数加倍、使用新的学习率调度，从头开始或从 best.pt 开始。"
    ),
    "Raising `epochs` and resuming is refused by Ultralytics after a finished run.": (
        "训练完成之后，Ultralytics 不接受增大 `epochs` 再续训。"
    ),
    # unshuffled_data
    "`shuffle=True` in the loader; with a distributed sampler call `set_epoch` before each epoch.": (
        "在加载器中设置 `shuffle=True`；若使用分布式采样器，在每轮之前调用 `set_epoch`。"
    ),
    # unstable_training
    "Halve the learning rate, or double the batch (or `nbs`); with Adam-type optimizers start from 0.001.": (
        "把学习率减半，或把 batch（或 `nbs`）加倍；使用 Adam 类优化器时从 0.001 开始。"
    ),
    "Judge by a running mean of the score, and set `patience` to a multiple of the swing's length.": (
        "按得分的滑动平均判断，并把 `patience` 设为波动周期的数倍。"
    ),
    # validation_is_training
    "Give `val` in the data set's YAML a folder of its own, with images of other scenes than the training's.": (
        "在数据集的 YAML 中让 `val` 使用单独的目录，其中图像的场景与训练图像不同。"
    ),
    "A few hundred will do.": "几百张就够了。",
}
