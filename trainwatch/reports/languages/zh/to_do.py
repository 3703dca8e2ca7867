"""What to do about findings that no recommendation answers, in any trainer's loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TO_DO: Final[Mapping[str, str]] = {
    "Step the optimizer more often: accumulate gradients over fewer batches, or none.": (
        "更频繁地执行优化器更新：减少梯度累积的批次数，或不累积。"
    ),
    "Split the samples before anything else, by scene or subject, so that no validation sample is trained on; a few hundred will "
    "do.": "先按场景或对象划分样本，再做其他处理，使任何验证样本都不用于训练；几百个就够了。",
    "Set the optimizer's momentum to 0.9, and compare the first epochs.": "把优化器的动量设为 0.9，并比较最初几轮。",
    "Use bfloat16 instead of float16 where the device has it, or train without autocast; lower the learning rate if the gradient "
    "norm rises at the same time.": "设备支持时用 bfloat16 代替 float16，或不用 autocast；若梯度范数同时上升，则降低学习率。",
    "Let more epochs run with plain images at the end if the score gained; else keep the augmentation.": (
        "若得分提高，让结尾处使用原始图像的轮数更多；否则保留数据增强。"
    ),
    "Use an augmentation that works on what your labels hold (mixup for boxes).": (
        "使用对你的标签有效的数据增强（框标签可用 mixup）。"
    ),
    "Give the loader more workers (num_workers up to the number of cores per device, persistent_workers=True), and keep the data "
    "on a local disk, at the size that is trained on.": (
        "增加加载器的工作进程（num_workers 最多为每个设备的 CPU 核数，persistent_workers=True），并把数据放在本地磁盘，按"
        "训练所用的尺寸保存。"
    ),
    "Divide the learning rate by ten, warm up longer, and start anew: no checkpoint since then is of use.": (
        "把学习率降到十分之一，延长预热，重新开始：此后的检查点都不可用。"
    ),
    "Use the checkpoint of the best epoch, not the last one.": "使用最佳轮的检查点，而不是最后一个。",
    "If the training goes on, go on from there with a lower learning rate; if your loop keeps the last weights only, save them "
    "at each best score.": "若要继续训练，从那里用更低的学习率继续；若你的训练循环只保留最后的权重，请在每次取得最佳得分时保存。",
    "Nothing, if the curves are flat; else raise the patience of your early stopping.": (
        "若曲线持平，无需处理；否则增大早停的 patience。"
    ),
    "Halve the learning rate, clip the gradient norm, and go on from a checkpoint of before it began.": (
        "把学习率减半，裁剪梯度范数，从问题开始之前的检查点继续。"
    ),
    "Look at what precedes it: after an explosion a dead model has no gradient; else look for saturated activations, a loss that "
    "is masked or multiplied by zero, or layers that were frozen by mistake.": (
        "看看此前发生了什么：爆炸之后失效的模型没有梯度；否则检查饱和的激活、被屏蔽或乘以零的损失，或误冻结的层。"
    ),
    "Go on from your last checkpoint, if the loop writes any; if it does not, write one per epoch (model, optimizer, scheduler, "
    "epoch).": "若训练循环会写检查点，从最后一个继续；否则每轮写一个（模型、优化器、学习率调度器、轮数）。",
    "Who sent the signal is in the machine's own log: `dmesg -T | grep -i -E 'killed process|oom'`, or the scheduler's report of "
    "the job.": "是谁发出的信号，可查机器的日志：`dmesg -T | grep -i -E 'killed process|oom'`，或调度系统的作业报告。",
    "Halve the learning rate, warm up longer, and go on from a checkpoint of before it began.": (
        "把学习率减半，延长预热，从问题开始之前的检查点继续。"
    ),
    "Halve the weight of the component that dominates, or scale each component to about the same size.": (
        "把占主导的分量的权重减半，或把各分量缩放到大致相同的大小。"
    ),
    "Find what sets the learning rate after you did: a scheduler, a callback, a resumed optimizer state.": (
        "找出在你之后设置学习率的是什么：调度器、回调函数，还是续训的优化器状态。"
    ),
    "Raise the learning rate tenfold and watch the first epochs; look for a scheduler that is stepped once per batch where it "
    "counts epochs, and for a warm-up that takes most of the plan.": (
        "把学习率提高十倍并观察最初几轮；检查是否有按轮计数的调度器却在每个批次调用了 step，以及预热是否占了大部分计划。"
    ),
    "Look into the log of the boot before (`journalctl -b -1 -e`).": "查看上一次开机的日志（`journalctl -b -1 -e`）。",
    "Check that your last checkpoint can be loaded, then go on from it.": "确认最后的检查点可以加载，然后从它继续。",
    "Look for tensors kept per step or epoch: losses in a list without .item() or .detach(), outputs kept for later.": (
        "检查逐步或逐轮保留的张量：放进列表却没有 .item() 或 .detach() 的损失，或留待以后使用的输出。"
    ),
    "For fragmentation set PYTORCH_ALLOC_CONF=expandable_segments:True before Python starts.": (
        "若是碎片化，在启动 Python 之前设置 PYTORCH_ALLOC_CONF=expandable_segments:True。"
    ),
    "A process that goes on from a checkpoint starts empty.": "从检查点继续的进程从空的内存开始。",
    "Look for what is kept per step or epoch: losses appended to a list without .item() or .detach(), predictions collected, "
    "figures never closed.": (
        "检查逐步或逐轮保留了什么：加入列表却没有 .item() 或 .detach() 的损失、收集起来的预测、没有关闭的图。"
    ),
    "If nothing is kept, use fewer loader workers.": "若没有保留任何东西，请减少加载器的工作进程。",
    "Set PYTORCH_ALLOC_CONF=expandable_segments:True before Python starts, and keep the size of the inputs the same from batch "
    "to batch.": "在启动 Python 之前设置 PYTORCH_ALLOC_CONF=expandable_segments:True，并让各批次的输入尺寸一致。",
    "Look whether the validated model is the one that is trained, whether the learning rate is 0, and whether the layers are "
    "frozen.": "检查验证的模型是否就是正在训练的模型，学习率是否为 0，以及各层是否被冻结。",
    "Validate once per epoch, on fewer samples if it takes too long, and record the score with epoch_end(metrics=..., "
    "fitness=...).": "每轮验证一次，若太慢则减少样本，并用 epoch_end(metrics=..., fitness=...) 记录得分。",
    "Look at one batch as the loader gives it: are targets in it, and do they belong to the inputs?": (
        "查看加载器给出的一个批次：其中有没有目标，目标是否与输入对应？"
    ),
    "Read `trainwatch/faulthandler-rank0.log` for the stacks of all threads.": (
        "查看 `trainwatch/faulthandler-rank0.log` 中所有线程的调用栈。"
    ),
    "Try another pair of driver and torch, and num_workers=0; a bus error with loader workers mostly means that /dev/shm is "
    "full.": "试试别的驱动和 torch 组合，以及 num_workers=0；加载器工作进程的总线错误多半是 /dev/shm 已满。",
    "Device: a smaller batch, with gradients accumulated over more of them.": "显存：减小批次，累积更多次梯度。",
    "Host: fewer loader workers.": "主机内存：减少加载器的工作进程。",
    "Train on ten samples without augmentation: a sound loop memorises them in some hundred steps.": (
        "用十个样本、不做数据增强训练：正常的训练循环几百步就能记住它们。"
    ),
    "If it does not, check labels, loss, learning rate, and that optimizer.step() sees these parameters.": (
        "若不能，请检查标签、损失、学习率，以及 optimizer.step() 是否包含这些参数。"
    ),
    "Look at the batch of the onset for inputs and targets that are not finite; leave such a step out; go on from a c"
    "heckpoint of "
    "before it.": "检查问题起点的批次中有没有非有限的输入和目标；跳过这样的步；从此前的检查点继续。",
    "Validate in full precision.": "用全精度验证。",
    "If it is NaN there, too, go on from the best checkpoint with a lower learning rate.": (
        "若仍为 NaN，则从最佳检查点用更低的学习率继续。"
    ),
    "Halve the batch and accumulate gradients over twice as many; then smaller inputs.": (
        "把批次减半，梯度累积次数加倍；再减小输入尺寸。"
    ),
    "On the host: fewer loader workers.": "主机内存：减少加载器的工作进程。",
    "Take the usual value of each, train once, and compare the score at the same epoch.": (
        "把每一项改回常用值，训练一次，比较同一轮的得分。"
    ),
    "Take the brake that is named off, train once, and compare the score at the same epoch.": (
        "去掉所指出的限制，训练一次，比较同一轮的得分。"
    ),
    "Keep the checkpoint of the best epoch.": "保留最佳轮的检查点。",
    "Then more data or stronger augmentation, a smaller model, more weight decay, fewer epochs.": (
        "然后：更多数据或更强的数据增强、更小的模型、更大的权重衰减、更少的轮数。"
    ),
    "If the training loss goes on falling, the model memorises its samples: more data or stronger augmentation, or stop "
    "and keep the best checkpoint.": (
        "若训练损失仍在下降，模型在死记样本：使用更多数据或更强的数据增强，或停止训练并保留最佳检查点。"
    ),
    "If both are flat: raise the learning rate once (a warm restart), or take a larger model.": (
        "若两者都持平：提高一次学习率（热重启），或换用更大的模型。"
    ),
    "Go on from the last checkpoint with twice the patience.": "从最后的检查点继续，patience 加倍。",
    "Look at the first step named: a skipped step, a loss that is not finite on one rank, an epoch of another length.": (
        "检查所指出的第一步：被跳过的步、某个 rank 上非有限的损失、长度不同的一轮。"
    ),
    "Compare that rank's disk, cores and device clock with the others'; validate and write on another rank.": (
        "比较该 rank 与其他 rank 的磁盘、CPU 核和设备频率；改由另一个 rank 验证和写文件。"
    ),
    "Put 100 samples at least, better 500, into the validation set; with few data use cross-validation.": (
        "验证集至少放 100 个样本，最好 500 个；数据少时使用交叉验证。"
    ),
    "Nothing now.": "现在无需处理。",
    "For the next run: a lower learning rate, clipping, a look at the samples of that epoch.": (
        "下一次训练：降低学习率、裁剪梯度，并检查那一轮的样本。"
    ),
    "Nothing.": "无需处理。",
    "If it recurs late in the training, validate in full precision.": "若在训练后期再次出现，请用全精度验证。",
    "Look at the end of the console output; then go on from the last checkpoint.": (
        "查看控制台输出的末尾，然后从最后的检查点继续。"
    ),
    "Train longer: a new schedule with half as many epochs again, over which the learning rate falls anew.": (
        "训练更长时间：新的训练轮数增加一半，学习率在其中重新下降。"
    ),
    "Halve the learning rate, or accumulate gradients over twice as many batches.": "把学习率减半，或把梯度累积的批次数加倍。",
    "Judge by a running mean of the score.": "按得分的滑动平均判断。",
}
