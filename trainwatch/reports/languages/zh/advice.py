"""What advice says, by file. Holes: see :mod:`trainwatch.reports.languages.sentences`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ADVICE: Final[Mapping[str, str]] = {
    # allocator_setting
    "{names} makes images of many sizes.": "{names} 会产生多种尺寸的图像。",
    "The unused share of the reserve stays level after the first two epochs.": "前两轮之后，保留显存中未使用的比例保持平稳。",
    "Wrong if it grows all the same within ten: then the number of objects per batch varies the sizes.": (
        "若十轮内仍在增长，则此判断不成立：那就是每批次的目标数使大小不断变化。"
    ),
    "Set PYTORCH_ALLOC_CONF=expandable_segments:True in the environment, before Python starts (PYTORCH_CUDA_ALLOC_CONF before "
    "torch 2.9).": (
        "在启动 Python 之前设置环境变量 PYTORCH_ALLOC_CONF=expandable_segments:True（torch 2.9 之前为 "
        "PYTORCH_CUDA_ALLOC_CONF）。"
    ),
    # augment_more
    "The labels hold polygons, so copy_paste acts.": "标签含有多边形，因此 copy_paste 有效。",
    "On box labels mixup acts; copy_paste does not.": "对框标签，mixup 有效，copy_paste 无效。",
    "{count:n} training images are shown again and again.": "{count} 张训练图像被反复使用。",
    "The training loss rises at once, and the validation loss ends lower.": ("训练损失立即上升，而验证损失最终更低。"),
    "Wrong if the validation score falls: then halve what was raised.": (
        "若验证得分下降，则此判断不成立：把调高的值减半。"
    ),
    "Wrong if the validation score falls: halve the value.": "若验证得分下降，则此判断不成立：把该值减半。",
    "Labels with polygons could use copy_paste as well.": "若标签含有多边形，还可以使用 copy_paste。",
    # fix_labels
    "the data set's YAML": "数据集的 YAML",
    "{count:n} training images.": "共 {count} 张训练图像。",
    "Labels that are not found, or that name other classes, look just like this.": (
        "标签没有被找到，或标签用了别的类别，表现正是如此。"
    ),
    "Once the labels are right, the score passes {best:n} within ten epochs.": "标签正确之后，得分在十轮内超过 {best}。",
    "Once the labels are right, the score leaves zero within ten epochs.": "标签正确之后，得分在十轮内离开零。",
    "Box and dfl losses are above zero from the first step, and the score leaves zero within ten epochs.": (
        "box 和 dfl 损失从第一步起大于零，得分在十轮内离开零。"
    ),
    "Wrong if it does not: then the objects are too small at this imgsz, or the rate is wrong.": (
        "若没有，则此判断不成立：那就是目标在这个 imgsz 下太小，或者学习率不对。"
    ),
    "Look at train_batch0.jpg in the run's folder: are there boxes, and do they lie on the objects?": (
        "查看训练目录中的 train_batch0.jpg：有没有框，框是否落在目标上？"
    ),
    "plots=False drew no picture of a batch.": "plots=False 没有画出批次的图片。",
    "Train one epoch with plots=True, and look at train_batch0.jpg in its folder: are there boxes, and do they lie on the "
    "objects?": "用 plots=True 训练一轮，并查看其目录中的 train_batch0.jpg：有没有框，框是否落在目标上？",
    "Train one epoch with plots=True, and look at val_batch0_labels.jpg in its folder: are there boxes?": (
        "用 plots=True 训练一轮，并查看其目录中的 val_batch0_labels.jpg：有没有框？"
    ),
    "Check the paths in {data!r}: labels are looked for where 'images' in an image's path becomes 'labels'.": (
        "检查 {data} 中的路径：标签的位置由图像路径中的“images”换成“labels”得到。"
    ),
    "Check the paths in the data set's YAML: labels are looked for where 'images' in an image's path becomes 'labels'.": (
        "检查数据集 YAML 中的路径：标签的位置由图像路径中的“images”换成“labels”得到。"
    ),
    "Check one label file: class x y width height a line, all between 0 and 1, class below the number of names.": (
        "检查一个标签文件：每行为 class x y width height，坐标都在 0 到 1 之间，class 小于类别数。"
    ),
    "The validation's box and dfl losses are above zero from the first epoch, and the score is measured.": (
        "验证的 box 和 dfl 损失从第一轮起大于零，并且能测得得分。"
    ),
    "Wrong if they stay at zero: then the label files themselves are empty.": (
        "若它们仍为零，则此判断不成立：那就是标签文件本身是空的。"
    ),
    "Check the path of val in {data!r}: its labels are looked for where 'images' in an image's path becomes 'labels'.": (
        "检查 {data} 中 val 的路径：标签的位置由图像路径中的“images”换成“labels”得到。"
    ),
    "Check the path of val in the data set's YAML: its labels are looked for where 'images' in an image's path becomes "
    "'labels'.": "检查数据集 YAML 中 val 的路径：标签的位置由图像路径中的“images”换成“labels”得到。",
    "Look at val_batch0_labels.jpg in the run's folder: are there boxes?": (
        "查看训练目录中的 val_batch0_labels.jpg：有没有框？"
    ),
    "Delete the *.cache files beside the labels; they keep what was found at the first start.": (
        "删除标签旁边的 *.cache 文件：它们保存的是第一次启动时找到的内容。"
    ),
    # guard_precision
    "that epoch": "那一轮",
    "Half precision was in force.": "当时使用了半精度。",
    "Half precision was not in force.": "当时没有使用半精度。",
    "The gradient norm {sign} before {component} became NaN; Ultralytics replays with the same rate, data and precision, so a "
    "deterministic cause comes back.": (
        "在 {component} 变为 NaN 之前，梯度范数{sign}；Ultralytics 会用同样的学习率、数据和精度重跑，因此确定性的原因会再次出现。"
    ),
    "gave a warning": "已有预兆",
    "gave no warning": "没有预兆",
    "the loss": "损失",
    "The gradient norms of those layers stay near their first level.": "这些层的梯度范数保持在最初的水平附近。",
    # keep_schedule, lower_momentum, step_more_often
    "At step {step:n} the learning rate went from {before:n} to {after:n}; the arguments give {given:n} at most.": (
        "在第 {step} 步，学习率从 {before} 变为 {after}；而参数给出的最大值是 {given}。"
    ),
    "A lower lr0 would not have prevented it.": "更低的 lr0 并不能避免它。",
    "A rate that stays on its schedule.": "学习率保持在原定计划上。",
    "Wrong if it explodes at the same step with such a rate.": "若在这样的学习率下仍在同一步爆炸，则此判断不成立。",
    "Find what sets the learning rate to {after:n} at step {step:n}: a callback, a scheduler of your own, or an optimizer state "
    "that was loaded.": "查出是什么在第 {step} 步把学习率设为 {after}：某个回调、自己的调度器，或载入的优化器状态。",
    "Go on from a checkpoint that was written before it, with the same arguments.": (
        "用同样的参数，从在此之前写入的检查点继续。"
    ),
    "The validation losses of the first epochs lie near the training's.": "最初几轮的验证损失与训练损失接近。",
    "Wrong if not: then the rate is too high.": "若不是这样，则此判断不成立：那就是学习率过高。",
    "The training loss falls within the first epochs.": "训练损失在最初几轮内下降。",
    "Wrong if it does not: then look at the rate and the labels.": "若没有下降，则此判断不成立：那就检查学习率和标签。",
    "No NaN at the step where it came.": "在原来出现 NaN 的那一步不再出现。",
    "Wrong if it comes at the same step: then data or own code makes it.": (
        "若在同一步再次出现，则此判断不成立：那就是数据或自己的代码造成的。"
    ),
    "The batch itself was not finite at step {step}, before the model saw it: {about}.": (
        "在第 {step} 步，批次在进入模型之前就已不是有限值：{about}。"
    ),
    "Neither the rate nor the precision makes that; the data or an augmentation does, and it comes back.": (
        "这不是学习率或精度造成的，而是数据或某种数据增强造成的，还会再次出现。"
    ),
    "No NaN once those images are mended or left out.": "修复或去掉这些图像后，不再出现 NaN。",
    "Wrong if others make it: then an augmentation does.": "若其他图像也会造成，则此判断不成立：那就是某种数据增强造成的。",
    "Check these images and their labels: {images!s}.": "检查这些图像及其标签：{images}。",
    "Check these images and their labels: they were not recorded.": "检查该批次的图像及其标签（没有记录是哪些图像）。",
    "they were not recorded": "没有记录",
    "Look for broken files, 16-bit or floating point images, and for own transforms that divide.": (
        "看看有没有损坏的文件、16 位或浮点图像，以及自己写的变换里有没有除法。"
    ),
    "The validation loss is computed with an average of the weights, in half precision where amp is on: {what}": (
        "验证损失是用权重的平均值计算的，开启 amp 时为半精度：{what}"
    ),
    "that overflows while the model is sound.": "它会溢出，而模型本身是好的。",
    "one NaN step spoils that average for good, also if the training loss is finite again.": (
        "只要有一步为 NaN，这个平均值就会永久损坏，即使训练损失又恢复为有限值。"
    ),
    "The validation loss is computed with an average of the weights, in half precision where amp is on:": (
        "验证损失是用权重的平均值计算的，开启 amp 时为半精度："
    ),
    "A finite validation loss from the first epoch on.": "验证损失从第一轮起就是有限值。",
    "Wrong if it is NaN in full precision, too.": "若全精度下也为 NaN，则此判断不成立。",
    "Many": "很多",
    "the": "全部",
    "a low value": "很低的值",
    "The gradient scaler skipped {skipped} of {of} optimizer steps and fell to {lowest}: half precision overflows in most of "
    "these batches.": (
        "梯度缩放器跳过了 {of} 个优化器步中的 {skipped} 个，并降到 {lowest}：这些批次大多会使半精度溢出。"
    ),
    "No skipped step, and a loss that falls where it stood still, within 2 epochs.": (
        "2 轮之内，不再有跳过的步，停滞的损失开始下降。"
    ),
    "Wrong if the loss then becomes NaN: the gradients are too large in any precision; lower lr0.": (
        "若损失随后变为 NaN，则此判断不成立：梯度在任何精度下都过大，应降低 lr0。"
    ),
    "On devices of compute capability 8.0 or newer, amp='bf16' costs less time than amp=False.": (
        "在计算能力 8.0 及以上的设备上，amp='bf16' 比 amp=False 更省时间。"
    ),
    "the images and labels of that batch ({images!s})": "该批次的图像和标签（{images}）",
    "the images and labels of that batch": "该批次的图像和标签",
    "The outputs of all modules were finite, {name!r} was not: look at the labels of that batch ({images!s}) for boxes without "
    "area, and at your own loss.": (
        "所有模块的输出都是有限值，而 {name} 不是：检查该批次的标签（{images}）中有没有面积为零的框，并检查自己的损失函数。"
    ),
    "The outputs of all modules were finite, {name!r} was not: look at the labels of that batch (its images were not recorded) "
    "for boxes without area, and at your own loss.": (
        "所有模块的输出都是有限值，而 {name} 不是：检查该批次的标签（没有记录是哪些图像）中有没有面积为零的框，并检查自己"
        "的损失函数。"
    ),
    "its images were not recorded": "没有记录是哪些图像",
    "The weight {name!r} was lost before {where}: look at the step before it, at own callbacks that write weights, and at the "
    "checkpoint that it started from.": (
        "权重 {name} 在{where}之前就已损坏：检查它的前一步、自己写权重的回调函数，以及训练所用的起始检查点。"
    ),
    "Look at {name!r}, where it began ({about}), with the images and labels of that batch: an operation there overflows or "
    "divides by 0.": "检查问题的起点 {name}（{about}）以及该批次的图像和标签：其中有运算溢出或除以 0。",
    "Look at {name!r}, where it began ({about}), with the images and labels of that batch ({images!s}): an operation there "
    "overflows or divides by 0.": (
        "检查问题的起点 {name}（{about}）以及该批次的图像和标签（{images}）：其中有运算溢出或除以 0。"
    ),
    "Look at what happens at {where}: own callbacks, custom losses, the images and labels of that batch "
    "(torch.autograd.set_detect_anomaly(True) for one epoch names the operation).": (
        "检查{where}发生了什么：自己的回调函数、自定义损失、该批次的图像和标签（开启 "
        "torch.autograd.set_detect_anomaly(True) 跑一轮可以指出是哪个运算）。"
    ),
    "Look at what happens at {where}: own callbacks, custom losses, the images and labels of that batch ({images!s}) "
    "(torch.autograd.set_detect_anomaly(True) for one epoch names the operation).": (
        "检查{where}发生了什么：自己的回调函数、自定义损失、该批次的图像和标签（{images}）（开启 "
        "torch.autograd.set_detect_anomaly(True) 跑一轮可以指出是哪个运算）。"
    ),
    # guard_steps
    "Clip the gradient norm: Trainer(gradient_clip_val=1.0).": "裁剪梯度范数：Trainer(gradient_clip_val=1.0)。",
    "Clip the gradient norm: TrainingArguments(max_grad_norm=1.0).": "裁剪梯度范数：TrainingArguments(max_grad_norm=1.0)。",
    "Clip the gradient norm between backward() and step(), at twice its usual level: "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm).": (
        "在 backward() 和 step() 之间裁剪梯度范数，阈值取其平时水平的两倍："
        "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)。"
    ),
    "Leave such a step out: in on_before_optimizer_step, zero the gradients where their norm is not finite.": (
        "跳过这样的步：在 on_before_optimizer_step 中，若梯度范数不是有限值，就把梯度清零。"
    ),
    "TrainingArguments(logging_nan_inf_filter=False), so that the log shows such a loss where it comes.": (
        "设置 TrainingArguments(logging_nan_inf_filter=False)，这样日志会在损失出问题的那一步如实显示。"
    ),
    "Leave such a step out, before backward(): if not torch.isfinite(loss): optimizer.zero_grad(); continue.": (
        "在 backward() 之前跳过这样的步：if not torch.isfinite(loss): optimizer.zero_grad(); continue。"
    ),
    "With precision='16-mixed', try 'bf16-mixed': it has the range of float32.": (
        "若 precision='16-mixed'，请试试 'bf16-mixed'：它的数值范围与 float32 相同。"
    ),
    "With fp16=True, try bf16=True instead: it has the range of float32.": (
        "若 fp16=True，请改试 bf16=True：它的数值范围与 float32 相同。"
    ),
    "With autocast to float16, try bfloat16: it has the range of float32.": (
        "若 autocast 到 float16，请试试 bfloat16：它的数值范围与 float32 相同。"
    ),
    "Go on from a checkpoint that was written before it began: the weights of the last one are spoilt.": (
        "从问题开始之前写下的检查点继续：最后一个检查点的权重已损坏。"
    ),
    "Keep the learning rate at {before:n}: look at what raises it in your schedule or your own code.": (
        "让学习率保持在 {before}：检查是学习率调度还是自己的代码把它调高了。"
    ),
    "Start anew: no epoch was whole before it began.": "重新开始训练：问题开始之前还没有完成任何一轮。",
    "Wrong if they vanish all the same: then look at the rate and at what precedes it.": (
        "若它们仍然消失，则此判断不成立：那就检查学习率以及此前发生的情况。"
    ),
    "Divide the learning rate by ten.": "把学习率降到十分之一。",
    "Divide the learning rate by ten to {rate:n}.": "把学习率降到十分之一，即 {rate}。",
    "Halve the learning rate.": "把学习率减半。",
    "Halve the learning rate to {rate:n}.": "把学习率减半，降到 {rate}。",
    "to {rate:n}": "，降到 {rate}",
    "It happened at a learning rate of {rate:n}.": "当时的学习率为 {rate}。",
    "The steps grew before it happened.": "在此之前，更新步长已在变大。",
    "Nothing grew before it happened: a batch or the precision is the suspect, not the rate.": (
        "在此之前没有任何量变大：可疑的是某个批次或精度，而不是学习率。"
    ),
    "No weight that is not finite.": "所有权重都是有限值。",
    "Wrong if it comes back at the same step: then that batch makes it.": (
        "若在同一步再次出现，则此判断不成立：那就是该批次造成的。"
    ),
    "the batch of the onset": "问题起点的批次",
    "the batch of step {step:n}": "第 {step} 步的批次",
    "Look at {which}: inputs and targets that are not finite, divisions by 0, logarithms of 0 in your own loss.": (
        "检查{which}：输入和目标中有没有非有限值，自己的损失函数中有没有除以 0 或对 0 取对数。"
    ),
    # keep_schedule
    # larger_model_or_images
    "{title}, and the training loss gives no sign of memorising: size may be the limit.": (
        "{title}，而训练损失没有死记训练集的迹象：规模可能是瓶颈。"
    ),
    "A training loss below the old one within a third of the plan, at up to three times the time per epoch.": (
        "在计划的三分之一内，训练损失低于原来的，每轮耗时最多为原来的三倍。"
    ),
    "Wrong if the training loss is the same: then labels or data are the limit.": (
        "若训练损失没有变化，则此判断不成立：那么标签或数据才是瓶颈。"
    ),
    # lower_lr
    "No spike of the gradient norm in the epochs in which it exploded.": "在原来爆炸的那几轮，梯度范数不再出现尖峰。",
    "Wrong if it comes back at the same step: then look at that batch and at the precision, not at the rate.": (
        "若在同一步再次出现，则此判断不成立：那就应检查该批次和精度，而不是学习率。"
    ),
    "With optimizer=auto the lr0 that you give is ignored, so the optimizer is named.": (
        "optimizer=auto 会忽略你设置的 lr0，因此这里指定了优化器。"
    ),
    "at {images:n} images per step": "（每步 {images} 张图像）",
    "lr0={lr0:n} is {times:n} times what {optimizer!r} stands safely ({bound:n}).": (
        "lr0={lr0} 是 {optimizer} 能安全承受的值（{bound}）的 {times} 倍。"
    ),
    "lr0={lr0:n} is {times:n} times what {optimizer} stands safely at {images:n} images per step ({bound:n}).": (
        "lr0={lr0} 是 {optimizer} 在每步 {images} 张图像时能安全承受的值（{bound}）的 {times} 倍。"
    ),
    "No jump of the loss in the epochs in which it exploded.": "在原来爆炸的那几轮，损失不再跳变。",
    "The score leaves 0, and the loss does not fall to it.": "得分离开 0，损失也不会降到 0。",
    "The command starts anew, because {file!r} is not in {folder!s}.": "该命令从头开始训练，因为 {file} 不在 {folder} 中。",
    "Where you still have that file, model=its path keeps what was learnt before the onset.": (
        "若你还有该文件，用 model=该文件的路径 可以保留问题开始之前学到的内容。"
    ),
    "A second step, if neither the batch nor your own code explains it: {arguments!r}.": (
        "第二步（仅当该批次和你自己的代码都没有问题时）：{arguments}。"
    ),
    # skip_steps
    "The batch or your own code is the suspect, not the learning rate: a replay meets the same cause again.": (
        "嫌疑在于该批次或你自己的代码，而不是学习率：重放会再次遇到同样的原因。"
    ),
    "The stabiliser rescue leaves such a step out before it reaches the weights, and writes down its images.": (
        "稳定器 rescue 会在这样的步影响权重之前跳过它，并记下其图像。"
    ),
    "No NaN reaches the weights, and the page lists each step that was left out with its images.": (
        "没有 NaN 进入权重，页面会列出每个被跳过的步及其图像。"
    ),
    "Wrong if none is left out: then your own callbacks or losses made it, which this command trains without.": (
        "若没有任何步被跳过，则此判断不成立：那就是你自己的回调或损失函数造成的，而此命令训练时不含它们。"
    ),
    "In a script of your own: `watch(model, stabilise=dict(rescue=True))` before the training.": (
        "在你自己的脚本中：训练前调用 `watch(model, stabilise=dict(rescue=True))`。"
    ),
    # lower_momentum
    "batch={batch:n} with {accumulate:n} accumulated did not fit.": "batch={batch}、累积 {accumulate} 次时放不下。",
    "batch={batch:n} with {accumulate:n} accumulated hardly fits.": "batch={batch}、累积 {accumulate} 次时勉强放得下。",
    "did not fit": "放不下",
    "hardly fits": "勉强放得下",
    "batch={smaller:n} with nbs={effective:n} gathers {micro:n} micro-batches per step: the same {images:n} images per step, "
    "about {share:n} % of the activations.": (
        "batch={smaller} 配合 nbs={effective}，每步累积 {micro} 个小批次：每步仍是 {images} 张图像，激活值约为原来的 "
        "{share}%。"
    ),
    "Peak memory falls nearly in proportion to batch; loss and lr stay as they are.": (
        "显存峰值几乎随 batch 成比例下降；损失和 lr 保持不变。"
    ),
    "Wrong if the peak does not fall within the first epoch: then something else fills the memory.": (
        "若第一轮内峰值没有下降，则此判断不成立：那就是别的东西占满了内存。"
    ),
    # raise_lr
    "Look for code that sets the rate to zero: a scheduler of your own, or one that is stepped per batch.": (
        "找出把学习率设为零的代码：自己写的调度器，或者每个批次都调用 step 的调度器。"
    ),
    "The training loss falls by more than 5 % within 5 epochs after the warm-up.": "预热之后 5 轮内，训练损失下降超过 5%。",
    "Wrong if it does not: then look at labels and frozen layers, not at the rate.": (
        "若没有下降，则此判断不成立：那就应检查标签和冻结的层，而不是学习率。"
    ),
    "The recorded rate reaches lr0 within a tenth of the plan, and the training loss falls faster from there on.": (
        "在计划的十分之一内，记录的学习率达到 lr0，此后训练损失下降更快。"
    ),
    "Wrong if it explodes there: then lr0 is too high.": "若在那里爆炸，则此判断不成立：那就是 lr0 过高。",
    # raise_workers
    "workers={workers} do not keep up; {cores:n} cores a rank are there.": (
        "workers={workers} 跟不上；每个 rank 有 {cores} 个 CPU 核可用。"
    ),
    "workers={workers} do not keep up, and {why}; decoded images on disk cost no memory and save the decoding.": (
        "workers={workers} 跟不上，而且{why}；把解码后的图像缓存到磁盘不占内存，还省去了解码。"
    ),
    "workers={workers} do not keep up, and": "workers={workers} 跟不上，而且",
    "memory is short": "内存不足",
    "there are no more cores": "没有更多的 CPU 核",
    "the cores are not known": "CPU 核数未知",
    "; decoded images on disk cost no memory and save the decoding.": "；把解码后的图像缓存到磁盘不占内存，还省去了解码。",
    "The share of waiting falls below 30 % within the first epoch.": "第一轮内，等待所占的比例降到 30% 以下。",
    "Wrong if it does not: then the disk or the network is the limit; copy the data set to a local disk.": (
        "若没有下降，则此判断不成立：那么磁盘或网络才是瓶颈，请把数据集复制到本地磁盘。"
    ),
    # rebalance_losses
    "{now!r} is far from the default ({default!r}); gains of YOLOv5 recipes are too small here.": (
        "{now} 与默认值（{default}）相差很大；YOLOv5 配方中的增益在这里太小。"
    ),
    "The gains are near their defaults, so {name} is halved.": "各增益接近默认值，因此把 {name} 减半。",
    "Its share of the loss falls below 85 % in the first epoch; precision or localisation, whichever was neglected, rises "
    "within a tenth of the plan.": (
        "第一轮内，它在损失中的占比降到 85% 以下；之前被忽视的一方（分类精度或定位）在计划的十分之一内提高。"
    ),
    "Wrong if it does not.": "若没有，则此判断不成立。",
    "If rare classes have an AP of 0, try cls_pw=0.25 (Ultralytics from 8.4.60 on).": (
        "若稀有类别的 AP 为 0，请试试 cls_pw=0.25（Ultralytics 8.4.60 起）。"
    ),
    # reduce_memory
    "Look for values kept per step or epoch in your callbacks: `losses.append(trainer.loss)` keeps the whole graph of the "
    "step; write `float(trainer.loss)` or `trainer.loss.detach()`.": (
        "检查回调函数中有没有逐步或逐轮保留的值：`losses.append(trainer.loss)` 会保留这一步的整个计算图；应写成 "
        "`float(trainer.loss)` 或 `trainer.loss.detach()`。"
    ),
    "Look for values kept per step or epoch in your loop: `losses.append(loss)` keeps the whole graph of the step; write "
    "`loss.item()` or `loss.detach()`.": (
        "检查训练循环中有没有逐步或逐轮保留的值：`losses.append(loss)` 会保留这一步的整个计算图；应写成 `loss.item()` 或 "
        "`loss.detach()`。"
    ),
    "If the code cannot be changed now, go on from a checkpoint before the forecast epoch: a new process starts empty.": (
        "如果现在无法修改代码，请在预计的那一轮之前从检查点继续：新进程从空的内存开始。"
    ),
    "If the code cannot be changed now, resume from last.pt before the forecast epoch: a new process starts empty.": (
        "如果现在无法修改代码，请在预计的那一轮之前从 last.pt 续训：新进程从空的内存开始。"
    ),
    "Set PYTORCH_ALLOC_CONF=expandable_segments:True in the environment, before Python starts.": (
        "在启动 Python 之前设置环境变量 PYTORCH_ALLOC_CONF=expandable_segments:True。"
    ),
    "The memory peak is lower, and it passes the step at which it ended.": "内存峰值更低，并能越过当初中断的那一步。",
    "Wrong if it ends there again.": "若又在那里中断，则此判断不成立。",
    # resume_run
    "Who ended it may stand in the machine's own log (`dmesg -T | grep -i -E 'killed process|oom'`), or in the scheduler's "
    "report of the job.": (
        "是谁终止了它，也许能在机器自己的日志中查到（`dmesg -T | grep -i -E 'killed process|oom'`），或在调度系统的作业报告中查到。"
    ),
    # raise_limit
    "Type `ulimit -v unlimited` in the shell that starts it, then train as before.": (
        "在启动训练的 shell 中输入 `ulimit -v unlimited`，然后照原样训练。"
    ),
    "If that is refused, whoever set the limit must raise it.": "若被拒绝，须由设定该上限的人提高它。",
    "Give the container or the job more memory (`docker run --memory`, `sbatch --mem`), then train as before.": (
        "给容器或作业更多内存（`docker run --memory`、`sbatch --mem`），然后照原样训练。"
    ),
    "The limit that ended it is not the machine's memory.": "使它中断的上限不是机器本身的内存。",
    "It passes the step at which it ended.": "训练能越过当初中断的那一步。",
    "Wrong if it does not: then the machine's memory is the limit.": "若不能，则此判断不成立：那就是机器本身的内存不够。",
    # reduce_memory
    "The memory per epoch stays flat after the first three epochs.": "前三轮之后，每轮的内存保持平稳。",
    "Wrong if it grows at the same rate.": "若仍以同样的速度增长，则此判断不成立。",
    "{title}: something is kept from epoch to epoch.": "{title}：有东西在轮与轮之间一直被保留。",
    "No argument mends a leak in code; these find it.": "代码中的泄漏无法靠参数修复；下面的步骤可以找到它。",
    "These take memory beside the batch: fragments of the allocator.": "除批次之外还占用内存的有：分配器的碎片。",
    "These take memory beside the batch: {names}.": "除批次之外还占用内存的有：{names}。",
    "fragments of the allocator": "分配器的碎片",
    # regularise_less
    "A higher score at the same epoch.": "同一轮的得分更高。",
    "Wrong if it is no higher there: then the old value was not what held the training back.": (
        "若得分没有更高，则不成立：说明原来的值并不是限制训练的原因。"
    ),
    "Training and validation loss end lower, and the score is higher at the same epoch.": (
        "训练损失和验证损失最终更低，同一轮的得分更高。"
    ),
    "Wrong if the validation loss turns upwards, or if your objects do occur as the augmentation shows them.": (
        "若验证损失转而上升，或者你的目标确实会以数据增强产生的样子出现，则此判断不成立。"
    ),
    # resume_run
    "{done} epochs are done, nothing in the record says that the training itself was failing.": (
        "已完成 {done} 轮，记录中没有迹象表明训练本身有问题。"
    ),
    "{done} epochs are done, nothing in the record says that the training itself was failing, and last.pt was written after "
    "each of them.": "已完成 {done} 轮，记录中没有迹象表明训练本身有问题，而且每轮之后都写了 last.pt。",
    "{done} epochs are done, nothing in the record says that the training itself was failing, and {checkpoint!r} holds its full "
    "state.": "已完成 {done} 轮，记录中没有迹象表明训练本身有问题，而且 {checkpoint} 保存了它的完整状态。",
    "{done:n} of {planned:n}": "{done}/{planned}",
    "It goes on with epoch {epoch:n}.": "训练从第 {epoch} 轮继续。",
    "Wrong if it says 'nothing to resume': then the checkpoint was stripped, and only a new run from its weights is possible.": (
        "若提示“nothing to resume”，则此判断不成立：检查点已被精简，只能用其权重重新开始训练。"
    ),
    "{checkpoint!r} is not in the folder that was read: type it where the weights are.": (
        "{checkpoint} 不在所读取的目录中：请在权重所在的地方输入命令。"
    ),
    ", and last.pt was written after each of them": "，而且每轮之后都写了 last.pt",
    "It goes on where that file was written: weights, optimizer, schedule and random numbers as they were.": (
        "训练从写下该文件的地方继续：权重、优化器、学习率调度和随机数都与当时相同。"
    ),
    "Wrong if the losses jump at the first step.": "若第一步损失就跳变，则此判断不成立。",
    # save_more_often
    "last.pt and best.pt were written after the onset or are not known to be older": (
        "last.pt 和 best.pt 是在问题开始之后写的，或无法确定是否更早"
    ),
    "save=False wrote no checkpoint": "save=False 没有写检查点",
    "{done:n} epochs were done, and no checkpoint of a healthy part is left: {how}.": (
        "已完成 {done} 轮，却没有留下任何正常阶段的检查点：{how}。"
    ),
    "weights/epoch<N>.pt appears every {period:n} epochs; the next accident costs {most:n} epochs at most.": (
        "每 {period} 轮出现一个 weights/epoch<N>.pt；下一次事故最多损失 {most} 轮。"
    ),
    "Wrong if no such file is there after epoch {epoch:n}.": "若第 {epoch} 轮之后没有这样的文件，则此判断不成立。",
    # set_close_mosaic
    "The last {old:n} of {planned:n} epochs are whole images; {new:n} give it time to settle.": (
        "{planned} 轮中的最后 {old} 轮使用完整图像；改为 {new} 轮，模型才有时间适应。"
    ),
    "The step comes at epoch {epoch:n}, and the validation score goes on rising behind it.": (
        "跳变出现在第 {epoch} 轮，此后验证得分继续上升。"
    ),
    "Wrong if it does not rise: then the step was only another scale of the training loss.": (
        "若没有上升，则此判断不成立：那么跳变只是训练损失换了尺度。"
    ),
    # set_copy_paste
    "The training loss falls while the validation score stands still: the model needs other images.": (
        "训练损失下降，而验证得分停滞：模型需要不一样的图像。"
    ),
    "The labels are boxes, and on boxes copy_paste silently does nothing: it needs polygons.": (
        "标签是框，而 copy_paste 对框不起作用，也不会提示：它需要多边形。"
    ),
    "mixup and mosaic work on boxes.": "mixup 和 mosaic 对框有效。",
    "copy_paste={value:n} is the YOLOv12 authors' value for scale {scale!r}.": (
        "copy_paste={value} 是 YOLOv12 作者给出的 {scale} 规模的值。"
    ),
    "copy_paste={value:n} is the YOLOv12 authors' value for an unknown scale, the smallest value.": (
        "copy_paste={value} 是 YOLOv12 作者给出的值；模型规模未知，取最小的值。"
    ),
    "copy_paste={value:n} is the YOLOv12 authors' value for scale {scale!r}; the article on seven techniques allows {cap:n} at "
    "most.": "copy_paste={value} 是 YOLOv12 作者给出的 {scale} 规模的值；关于七种技巧的文章认为最多为 {cap}。",
    "copy_paste={value:n} is the YOLOv12 authors' value for an unknown scale, the smallest value; the article on seven "
    "techniques allows {cap:n} at most.": (
        "copy_paste={value} 是 YOLOv12 作者给出的值；模型规模未知，取最小的值；关于七种技巧的文章认为最多为 {cap}。"
    ),
    "copy_paste={value:n} is the YOLOv12 authors' value {scale}.": "copy_paste={value} 是 YOLOv12 作者给出的值（{scale}）。",
    "; the article on seven techniques allows {cap:n} at most": "；关于七种技巧的文章认为最多为 {cap}",
    "for scale {scale!r}": "{scale} 规模",
    "for an unknown scale, the smallest value": "规模未知，取最小的值",
    "Look into a label file: more than five numbers a line are polygons.": "查看一个标签文件：每行多于五个数就是多边形。",
    "With five (boxes) copy_paste does nothing; use mixup={mixup:n} instead.": (
        "若是五个数（框），copy_paste 不起作用，请改用 mixup={mixup}。"
    ),
    "The training loss rises, the validation score follows within a tenth of the run.": (
        "训练损失上升，验证得分在训练的十分之一内随之上升。"
    ),
    # set_optimizer
    "lr0={asked} was asked for and ignored.": "要求的 lr0={asked} 被忽略了。",
    "The training ran with {actual:n}.": "训练实际使用的是 {actual}。",
    "Only a named optimizer takes it.": "只有指定了优化器，它才会生效。",
    "{asked:n} is too high for {optimizer!r}, which was chosen.": "{asked} 对自动选择的 {optimizer} 来说过高。",
    "The recorded rate reaches {asked} after the warm-up; compare the score after a tenth of the plan.": (
        "预热之后，记录的学习率达到 {asked}；在计划的十分之一之后比较得分。"
    ),
    "Wrong if it is lower there: then auto chose better.": ("若那时得分更低，则这项改动没有改进：auto 选得更好。"),
    # step_more_often
    # stop_sooner
    "The best score was at epoch {best:n} of {done:n}; the {more:n} epochs after it made the model no better.": (
        "最佳得分在第 {best} 轮（共 {done} 轮）；此后的 {more} 轮没有让模型变得更好。"
    ),
    "The same best score within {epochs:n} epochs.": "在 {epochs} 轮内达到同样的最佳得分。",
    "Wrong if it is lower: then the longer schedule was needed, and augmentation is the answer.": (
        "若得分更低，则此判断不成立：那就需要更长的训练，应当加强数据增强。"
    ),
    # train_longer
    "patience={patience:n} ended it after {done:n} of {planned:n} epochs while it was still learning.": (
        "patience={patience} 在 {planned} 轮中的第 {done} 轮之后结束了训练，而当时模型仍在学习。"
    ),
    "After {done:n} of {planned:n} epochs the validation score was still rising.": (
        "完成 {planned} 轮中的 {done} 轮之后，验证得分仍在上升。"
    ),
    "The old best is passed by epoch {epoch:n}.": "到第 {epoch} 轮时超过原来的最佳得分。",
    "Wrong if it is not: then the model is too small for the data, or the labels are the limit.": (
        "若没有超过，则此判断不成立：那就是模型对这些数据来说太小，或者标签才是瓶颈。"
    ),
    # upgrade_versions
    "Ultralytics {version!r} has known faults: {faults}.": "Ultralytics {version} 有已知缺陷：{faults}。",
    "validation casts the averaged weights to half precision in place, so that large ones become infinite for good": (
        "验证时会把平均权重就地转换为半精度，较大的权重因此永久变为无穷大"
    ),
    "a loss that is NaN is trained on; there is no recovery": "损失为 NaN 时仍继续训练，没有恢复机制",
    "there is no recovery": "没有恢复机制",
    "a loss that is NaN is trained on": "损失为 NaN 时仍继续训练",
    "an out-of-memory error in the first epoch is not retried": "第一轮中的显存不足错误不会重试",
    "ranks may disagree about half precision": "各 rank 可能对是否使用半精度意见不一",
    "rank 0 validates while the others wait": "rank 0 验证时其他 rank 在等待",
    "a checkpoint holds Adam's second moments in half precision, where small ones become zero": (
        "检查点以半精度保存 Adam 的二阶矩，其中较小的值会变为零"
    ),
    "patience starts to count anew with every resume": "每次续训后 patience 都重新计数",
    "The finding is gone with the same arguments, in the epoch where it came.": (
        "参数不变，在原来出现问题的那一轮不再出现。"
    ),
    "Wrong if it is not.": "若仍出现，则此判断不成立。",
    # warm_restart
    "{count} epochs brought nothing.": "{count} 轮没有带来任何提高。",
    "A new run of {epochs:n} epochs from best.pt, at {factor:n} * lr0 falling along a cosine, is the restart that Ultralytics "
    "does not have inside a run.": (
        "从 best.pt 开始一次新的 {epochs} 轮训练，学习率从 {factor} * lr0 起按余弦下降：这就是 Ultralytics "
        "在一次训练中没有提供的热重启。"
    ),
    "A new run of {epochs:n} epochs from best.pt (epoch {best:n}), at {factor:n} * lr0 falling along a cosine, is the restart "
    "that Ultralytics does not have inside a run.": (
        "从 best.pt（第 {best} 轮）开始一次新的 {epochs} 轮训练，学习率从 {factor} * lr0 起按余弦下降：这就是 Ultralytics "
        "在一次训练中没有提供的热重启。"
    ),
    "(epoch {best:n})": "（第 {best} 轮）",
    "A dip at first, then a new best in the second half of the new run.": "得分起初下降，随后在新训练的后半段达到新的最佳。",
    "Wrong if there is none: then data or model size is the limit.": (
        "若没有新的最佳，则此判断不成立：那么数据或模型规模才是瓶颈。"
    ),
}
