"""What the verdict, its cost, the next step, the story and the facts say. Holes: see ``languages.sentences``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VERDICT: Final[Mapping[str, str]] = {
    # verdict
    "Diverged: {what}": "已发散：{what}",
    "Crashed: {what}": "已崩溃：{what}",
    "Stalled: {what}": "停滞：{what}",
    "Degraded: {what}": "变差：{what}",
    "Crashed after {done}: {message!s}": "{done}后崩溃：{message}",
    "Crashed before the first epoch ended: {message!s}": "在第一轮结束之前崩溃：{message}",
    "Diverged": "已发散",
    "Crashed": "已崩溃",
    "Stalled": "停滞",
    "Degraded": "变差",
    "an exception ended it": "因异常而结束",
    "it ran out of memory": "内存耗尽",
    "the process was killed": "进程被杀死",
    "native code crashed": "本地代码崩溃",
    "the machine went down": "机器宕机",
    "an exception ended it after {done}": "{done}后因异常而结束",
    "it ran out of memory after {done}": "{done}后内存耗尽",
    "the process was killed after {done}": "{done}后进程被杀死",
    "native code crashed after {done}": "{done}后本地代码崩溃",
    "the machine went down after {done}": "{done}后机器宕机",
    "after {done}": "{done}后",
    "before the first epoch ended": "在第一轮结束之前",
    "{done:n} of {planned:n} epochs": "{done}/{planned} 轮",
    "Nothing to judge: the record holds no step and no epoch": "无从判断：记录中没有任何步或轮",
    "A training that ends before its first step leaves no curve.": "训练在第一步之前就结束，因此没有曲线。",
    "Running, nothing wrong so far ({done})": "正在运行，目前没有问题（{done}）",
    "nothing in the record says that it was failing": "记录中没有迹象表明它有问题",
    "nothing had been learnt yet, which is too early to judge": "当时还没有学到东西，判断为时过早",
    "its metrics were not measured": "没有测量它的指标",
    "Incomplete: it stopped after {done}, and {said}": "不完整：{done}后停止，{said}",
    "Unknown: {done}, and no metric was ever measured": "无法判断：{done}，从未测量任何指标",
    "Too early to judge: {done}, and nothing learnt yet": "判断为时过早：{done}，还没有学到东西",
    "Healthy: {what}": "正常：{what}",
    ", stopped early by patience": "，因 patience 提前停止",
    "No check found a fault that costs quality or much time.": "没有检查项发现影响质量或明显浪费时间的问题。",
    "No check found a fault that costs quality or time.": "没有检查项发现影响质量或时间的问题。",
    "Worth knowing: {what}.": "值得了解：{what}。",
    "What followed: {what}.": "随后发生：{what}。",
    "With it, and a little sooner: {what}.": "与此同时（还略早一点）：{what}。",
    "{what}; {root}": "{what}；{root}",
    "lr0={lr0} is {times:n} times the usual {usual:n}": "lr0={lr0} 是通常值 {usual} 的 {times} 倍",
    "weight_decay={decay} is {times:n} times the usual {usual:n}": "weight_decay={decay} 是通常值 {usual} 的 {times} 倍",
    "lr0={lr0} is {times:n} times below the usual {usual:n}": "lr0={lr0} 只有通常值 {usual} 的 {times} 分之一",
    "{name!r}={value} is not the usual {usual}": "{name}={value} 不是通常值 {usual}",
    "Most likely ({share:n} % sure): {why}": "最可能的原因（把握 {share}%）：{why}",
    "With it, {steps:n} steps before: {what}.": "与之同时，早 {steps} 步：{what}。",
    "With it, {steps:n} step before: {what}.": "与之同时，早 {steps} 步：{what}。",
    "it stopped after {done}": "在 {done} 之后停止",
    "best score {score:n} in {where}": "最佳得分 {score}（{where}）",
    "That is {share:n} % sure.": "把握为 {share}%。",
    "Then go on, from an empty memory:": "然后从空的内存继续训练：",
    "In order: {what}.": "按时间顺序：{what}。",
    "its {count:n} training images are shown without augmentation": "{count} 张训练图像没有经过数据增强就反复使用",
    "its training images are shown without augmentation": "训练图像没有经过数据增强就反复使用",
    "The best single score came later, in {where}, but lies too little above that to count as progress.": (
        "最高的单次得分在{where}，但高出的幅度不足以算作进步。"
    ),
    "The advice further down is optional.": "下面的建议可做可不做。",
    "Nothing needs to be changed": "不需要任何修改",
    "best score {score}": "最佳得分 {score}",
    # score
    "fitness: {formula} of the validation images; {full:n} is perfect": "fitness，即验证图像上的 {formula}；满分为 {full}",
    "{formula!r} (boxes + masks)": "{formula}（边框 + 掩码）",
    "{formula!r} (boxes + poses)": "{formula}（边框 + 姿态）",
    "mean of top-1 and top-5 accuracy": "top-1 与 top-5 准确率的平均值",
    "Most likely because {root} ({share:n} % sure).": "最可能的原因：{root}（把握 {share}%）。",
    "{share:n} % sure that it helps.": "有 {share}% 的把握有效。",
    "Too early to judge: the record holds {epochs:n} epoch and {steps:n} step": (
        "判断为时过早：记录中只有 {epochs} 轮、{steps} 步"
    ),
    "Too early to judge: the record holds {epochs:n} epochs and {steps:n} steps": (
        "判断为时过早：记录中只有 {epochs} 轮、{steps} 步"
    ),
    "Too early to judge: the record holds {epochs:n} epochs and {steps:n} step": (
        "判断为时过早：记录中只有 {epochs} 轮、{steps} 步"
    ),
    "Too early to judge: the record holds {epochs:n} epoch and {steps:n} steps": (
        "判断为时过早：记录中只有 {epochs} 轮、{steps} 步"
    ),
    "A curve of no more than {epochs:n} epochs and {steps:n} steps shows no fault, whether there is one or not.": (
        "不超过 {epochs} 轮、{steps} 步的曲线看不出问题，无论有没有问题。"
    ),
    "Too early to judge: the record holds {held!s}": "判断为时过早：记录中只有 {held}",
    "Too early to judge: the record holds {epochs} and {steps}": "判断为时过早：记录中只有 {epochs} 和 {steps}",
    "The training loss": "训练损失",
    "At its best since {where}, {score:n} of at most 1": "自{where}起处于最佳水平，{score}（最高为 1）",
    "At {score:n} of at most 1 there is hardly anything left to gain.": "得分 {score}（最高为 1），几乎没有提高的余地。",
    "{measured} At {score:n} of at most 1 there is hardly anything left to gain.": (
        "{measured}得分 {score}（最高为 1），几乎没有提高的余地。"
    ),
    # cost
    "The whole training, {duration}, was wasted.": "整个训练（{duration}）都白费了。",
    "The whole training, {duration}, was trained with this fault.": "整个训练（{duration}）都带着这个问题。",
    "{epochs:n} of {of:n} epochs ({after} of {total}, {share:n} %) were wasted: they came after the fault began.": (
        "{of} 轮中有 {epochs} 轮（{total} 中的 {after}，{share}%）白费了：它们在问题开始之后。"
    ),
    "{epochs:n} of {of:n} epochs ({after} of {total}, {share:n} %) were trained with this fault.": (
        "{of} 轮中有 {epochs} 轮（{total} 中的 {after}，{share}%）是带着这个问题训练的。"
    ),
    "{epochs:n} of {of:n} epochs ({after} of {total}, {share:n} %) were trained": (
        "{of} 轮中训练了 {epochs} 轮（{total} 中的 {after}，{share}%）"
    ),
    "{after} of {total} ({share:n} %) was wasted: it came after the fault began.": (
        "{total} 中有 {after}（{share}%）白费了：它在问题开始之后。"
    ),
    "{after} of {total} ({share:n} %) was wasted: they came after the fault began.": (
        "{total} 中有 {after}（{share}%）白费了：它在问题开始之后。"
    ),
    "{after} of {total} ({share:n} %) was trained with this fault.": "{total} 中有 {after}（{share}%）是带着这个问题训练的。",
    "{after} of {total} ({share:n} %) was trained": "{total} 中训练了 {after}（{share}%）",
    "{epochs:n} of {of:n} epochs ({after} of {total}, {share:n} %) were wasted: it came after the fault began.": (
        "{of} 轮中有 {epochs} 轮（{total} 中的 {after}，{share}%）白费了：它们在问题开始之后。"
    ),
    "with this fault": "带着这个问题",
    "It came at the very end, after {duration} of training.": "问题出现在最后，当时已训练 {duration}。",
    "Hardly anything yet: it began just now, after {duration} of training.": "目前几乎没有：问题刚刚开始，当时已训练 {duration}。",
    "It ended the training after {done:n} of {planned:n} epochs ({duration}): one epoch is missing.": (
        "它在 {planned} 轮中的第 {done} 轮之后结束了训练（{duration}）：还缺一轮。"
    ),
    "It ended the training after {done:n} of {planned:n} epochs ({duration}): {missing:n} epochs are missing.": (
        "它在 {planned} 轮中的第 {done} 轮之后结束了训练（{duration}）：还缺 {missing} 轮。"
    ),
    "It ended the training after {done:n} of {planned:n} epochs ({duration}): one epoch is missing, and the unfinished one is "
    "lost.": "它在 {planned} 轮中的第 {done} 轮之后结束了训练（{duration}）：还缺一轮，未完成的一轮也白费了。",
    "It ended the training after {done:n} of {planned:n} epochs ({duration}): {missing:n} epochs are missing, and the unfinished "
    "one is lost.": (
        "它在 {planned} 轮中的第 {done} 轮之后结束了训练（{duration}）：还缺 {missing} 轮，未完成的一轮也白费了。"
    ),
    "What it cost could not be told: the log has no clock.": "无法得知代价：日志中没有时间。",
    "{duration} had been trained when it happened.": "问题发生时已训练 {duration}。",
    "All of it, {duration}, ran after the onset.": "全部 {duration} 都在问题开始之后。",
    "All of it, {duration}, {epochs:n} epochs, ran after the onset.": "全部 {duration}（{epochs} 轮）都在问题开始之后。",
    "{after} of {total} ({share:n} %) ran after the onset.": "{total} 中有 {after}（{share}%）在问题开始之后。",
    "{after} of {total} ({share:n} %, {epochs:n} epochs) ran after the onset.": (
        "{total} 中有 {after}（{share}%，{epochs} 轮）在问题开始之后。"
    ),
    ", {epochs:n} epochs": "，{epochs} 轮",
    # next step
    "Nothing needs to be changed: it has learnt what this set-up can learn, and more epochs of it would gain nothing.": (
        "不需要任何修改：在这种设置下能学的都学到了，再多训练几轮也不会有提高。"
    ),
    "For a better score change one thing (a larger model, larger images, more data), train again, then `trainwatch compare "
    "{run!s} NEW_RUN`": (
        "要得到更高的得分，每次改一项（更大的模型、更大的图像或更多的数据），重新训练，然后运行 `trainwatch compare {run}"
        " NEW_RUN`"
    ),
    "Nothing is wrong, and there is more to gain: the score still rose by {rise:n} in the last {epochs:n} epochs.": (
        "没有问题，而且还有提高的余地：最后 {epochs} 轮中得分仍上升了 {rise}。"
    ),
    "The score still rose by {rise:n} in the last {epochs:n} epochs.": "最后 {epochs} 轮中得分仍上升了 {rise}。",
    "Train longer: {new:n} instead of {old:n} epochs in your loop, with the schedule of the learning rate spread over all of "
    "them (T_max, total steps)": (
        "训练更长时间：在自己的训练循环中用 {new} 轮代替 {old} 轮，学习率调度覆盖全部轮数（T_max、总步数）"
    ),
    "Train longer: {new:n} instead of {old:n} epochs in your loop, with the schedule of the learning rate spread over all of "
    "them (T_max, total steps); then `trainwatch compare {run!s} NEW_RUN`": (
        "训练更长时间：在自己的训练循环中用 {new} 轮代替 {old} 轮，学习率调度覆盖全部轮数（T_max、总步数）；然后运行 "
        "`trainwatch compare {run} NEW_RUN`"
    ),
    "Train longer, as a new run of {new:n} epochs (Ultralytics does not resume a finished one)": (
        "训练更长时间：重新开始一次 {new} 轮的训练（Ultralytics 不能续训已完成的训练）"
    ),
    "Train longer, as a new run of {new:n} epochs (Ultralytics does not resume a finished one); then `trainwatch compare {run!s} "
    "NEW_RUN`": (
        "训练更长时间：重新开始一次 {new} 轮的训练（Ultralytics 不能续训已完成的训练）；然后运行 `trainwatch compare "
        "{run} NEW_RUN`"
    ),
    "Wrong if it is not: then the model, the images or the data are the limit.": (
        "若没有超过，则此判断不成立：那么模型、图像或数据才是瓶颈。"
    ),
    "Go on from its last checkpoint, or start it anew with trainwatch, so that its end is on record.": (
        "从它最后的检查点继续，或用 trainwatch 重新开始，以便记录它如何结束。"
    ),
    "It was stopped by hand, nothing needs to be mended.": "训练是手动停止的，没有需要修复的地方。",
    "To go on: `yolo train resume {model!s}`": "要继续训练：`yolo train resume {model}`",
    "To go on, start from its last checkpoint.": "要继续训练，请从最后的检查点开始。",
    "Let it train on, or give it a whole record, and look again: `trainwatch analyze {run!s}`": (
        "让它继续训练，或提供完整的记录，然后再看：`trainwatch analyze {run}`"
    ),
    "{file!s} is not in {folder!s}: put the path where you have it in place of {mark!s}.": (
        "{file} 不在 {folder} 中：请用你存放它的路径代替 {mark}。"
    ),
    "{file!s} is not in {folder!s}: the command names where the training wrote it.": (
        "{file} 不在 {folder} 中：命令中写的是训练写入它的位置。"
    ),
    "If it lies elsewhere now, put that path.": "若它现在在别处，请改成那个路径。",
    "Nothing had been learnt in its {epochs:n} epochs: if the score is still at zero a few epochs on, stop it, and look at labels "
    "and learning rate.": "在这 {epochs} 轮中还没有学到东西：若再过几轮得分仍为零，请停止训练，检查标签和学习率。",
    "That is {step:n} % sure; the command, instead of it, {command:n} %.": "先试这一项：把握为 {step}%，命令的把握为 {command}%。",
    "The training wrote it to {file!s}.": "训练把它写在 {file}。",
    "Nothing needs to be changed.": "不需要任何修改。",
    "Follow it: `trainwatch live {run!s}`": "跟踪训练：`trainwatch live {run}`",
    "to judge a change, train again with it, then `trainwatch compare {run!s} NEW_RUN`": (
        "要判断一项修改是否有效，用它重新训练，然后运行 `trainwatch compare {run} NEW_RUN`"
    ),
    "To judge a change, train again with it, then `trainwatch compare {run!s} NEW_RUN`": (
        "要判断一项修改是否有效，用它重新训练，然后运行 `trainwatch compare {run} NEW_RUN`"
    ),
    "Nothing needs to be changed, and going on from here would gain nothing.": "不需要任何修改，从这里继续训练也不会再有提高。",
    "For a better score try a longer schedule, a larger model, larger images or more data; {then}": (
        "要得到更高的得分，可以试试更长的训练、更大的模型、更大的图像或更多的数据；{then}"
    ),
    "Nothing needs to be changed, and there is more to gain: the score still rose by {rise:n} in the last {epochs:n} epochs.": (
        "不需要任何修改，而且还有提高的余地：最后 {epochs} 轮中得分仍上升了 {rise}。"
    ),
    "Train longer; {then}": "训练更长时间；{then}",
    "Free space on the disk that it writes to, then go on from the last checkpoint: {said!s}": (
        "请先在它写入的磁盘上腾出空间，然后从最后的检查点继续：{said}"
    ),
    "Free space on the disk that it writes to, then start it again: {said!s}": "请先在它写入的磁盘上腾出空间，然后重新开始：{said}",
    "Free space on the disk that it writes to, then go on from the last checkpoint": (
        "请先在它写入的磁盘上腾出空间，然后从最后的检查点继续"
    ),
    "Free space on the disk that it writes to, then go on from the last checkpoint:": (
        "请先在它写入的磁盘上腾出空间，然后从最后的检查点继续："
    ),
    "Free space on the disk that it writes to, then start it again": "请先在它写入的磁盘上腾出空间，然后重新开始",
    "Do what the message says, then go on from the last checkpoint": "按提示信息处理，然后从最后的检查点继续",
    "Do what the message says, then go on from the last checkpoint:": "按提示信息处理，然后从最后的检查点继续：",
    "Do what the message says, then start it again": "按提示信息处理，然后重新开始",
    "in your script with `YOLO({path!s}).train(resume=True)`, or without it:": (
        "在自己的脚本中用 `YOLO({path}).train(resume=True)`，或者不用脚本："
    ),
    "Mend {file!r}, line {line:n} (in {function!r}), where the {error!s} came from; then go on from the last checkpoint, in your "
    "script with `YOLO({path!s}).train(resume=True)`, or without it:": (
        "修复 {file} 第 {line} 行（{function} 中），即 {error} 的出处；然后从最后的检查点继续：在自己的脚本中用 "
        "`YOLO({path}).train(resume=True)`，或者不用脚本："
    ),
    "Mend {file!r}, line {line:n} (in {function!r}), where the {error!s} came from; then go on from the last checkpoint:": (
        "修复 {file} 第 {line} 行（{function} 中），即 {error} 的出处；然后从最后的检查点继续："
    ),
    "Do what the message says, then go on from the last checkpoint: {said!s}": "按提示信息处理，然后从最后的检查点继续：{said}",
    "Do what the message says, then start it again: {said!s}": "按提示信息处理，然后重新开始：{said}",
    "go on from the last checkpoint": "从最后的检查点继续",
    "start it again": "重新开始",
    "Mend {file!r}, line {line:n} (in {function!r}), where the {error!s} came from; then start it again": (
        "修复 {file} 第 {line} 行（{function} 中），{error} 由此产生；然后重新开始"
    ),
    "Mend {file!r}, line {line:n} (in {function!r}), where the {error!s} came from; then go on from the last checkpoint": (
        "修复 {file} 第 {line} 行（{function} 中），即 {error} 的出处；然后从最后的检查点继续"
    ),
    # timeline
    "the gradient norm gives a warning, {steps:n} steps before": "梯度范数出现预兆，提前 {steps} 步",
    "the weights begin to move further than usual, {steps:n} steps before": "权重的更新开始比平时大，提前 {steps} 步",
    "the gradient norm gives a warning": "梯度范数出现预兆",
    "the learning rate jumps from {before:n} to {after:n}": "学习率从 {before} 跳到 {after}",
    "the weights begin to move further than usual": "权重的更新开始比平时大",
    "the run {ended}": "训练{ended}",
    "{what}, {steps:n} steps before": "{what}，提前 {steps} 步",
    # facts
    "{done:n} of {planned:n} epochs, {steps:n} steps": "{done}/{planned} 轮，{steps} 步",
    "{done:n} of {planned:n} epochs, {steps:n} steps on each of {ranks:n} ranks": (
        "{done}/{planned} 轮，{ranks} 个 rank 各 {steps} 步"
    ),
    "{done:n} epochs, {steps:n} steps": "{done} 轮，{steps} 步",
    "{done:n} epochs, {steps:n} steps on each of {ranks:n} ranks": "{done} 轮，{ranks} 个 rank 各 {steps} 步",
    "{done} epochs{steps}": "{done} 轮{steps}",
    ", {steps:n} steps": "，{steps} 步",
    "on each of {ranks:n} ranks": "（{ranks} 个 rank 各自）",
    "CPU, {count:n} cores": "CPU，{count} 核",
    "not recorded": "没有记录",
    "none known": "未知",
    "{commit!r} with uncommitted changes": "{commit}，有未提交的修改",
    "with uncommitted changes": "，有未提交的修改",
    "{file!r} (not in the folder that was read)": "{file}（不在所读取的目录中）",
    "(not in the folder that was read)": "（不在所读取的目录中）",
    "{file!r} (not in the folder that was read); best.pt, of epoch {epoch:n}, scored better": (
        "{file}（不在所读取的目录中）；第 {epoch} 轮的 best.pt 得分更高"
    ),
    "{file!r}; best.pt, of epoch {epoch:n}, scored better": "{file}；第 {epoch} 轮的 best.pt 得分更高",
    "{score:n} in every epoch": "各轮均为 {score}",
    "{score:n} in every epoch (fitness: {formula} of the validation images; {full:n} is perfect)": (
        "各轮均为 {score}（fitness，即验证图像上的 {formula}；满分为 {full}）"
    ),
    "{score:n} in {where}": "{score}（{where}）",
    "{score:n} in {where} (fitness: {formula} of the validation images; {full:n} is perfect)": (
        "{score}（{where}；fitness，即验证图像上的 {formula}；满分为 {full}）"
    ),
    "; best.pt, of epoch {epoch:n}, scored better": "；第 {epoch} 轮的 best.pt 得分更高",
    # tables
    "Arguments as requested": "要求的参数",
    "Arguments in force": "生效的参数",
    "Stabilisers": "稳定器",
    "Data set": "数据集",
    "Model": "模型",
    "Loop": "训练循环",
    "Versions": "版本",
    "Hardware": "硬件",
    "Git": "Git",
    "Command line": "命令行",
    "{count:n} more actions between these are not shown": "其间另有 {count} 个动作未显示",
    "{message} (and {count:n} earlier)": "{message}（此前还有 {count} 个）",
    "{message!s} (and {count:n} earlier)": "{message}（此前还有 {count} 个）",
    "(and {count:n} earlier)": "（此前还有 {count} 个）",
    # how it ended
    "completed": "已完成",
    "stopped early by patience": "因 patience 提前停止",
    "ended by an exception": "因异常结束",
    "ended by a signal": "被信号终止",
    "ran out of memory": "内存不足",
    "was killed": "被杀死",
    "crashed in native code": "在本地代码中崩溃",
    "ended with its machine": "随机器宕机而结束",
    "breaks off": "中断",
    "still runs": "仍在运行",
    "was stopped": "被停止",
    "ended, nobody knows how": "已结束，方式未知",
    "completed: {reason}": "已完成：{reason}",
    "stopped early by patience: {reason}": "因 patience 提前停止：{reason}",
    "ended by an exception: {message!s}": "因异常结束：{message}",
    "ended by a signal: {reason}": "被信号终止：{reason}",
    "ran out of memory: {message!s}": "内存不足：{message}",
    "was killed: {reason}": "被杀死：{reason}",
    "crashed in native code: {reason}": "在本地代码中崩溃：{reason}",
    "ended with its machine: {reason}": "随机器宕机而结束：{reason}",
    "breaks off: {reason}": "中断：{reason}",
    "still runs: {reason}": "仍在运行：{reason}",
    "ended, nobody knows how: {reason}": "已结束，方式未知：{reason}",
    "was stopped after {done}": "在 {done}后被停止",
    "was stopped by hand (Ctrl-C)": "被手动停止（Ctrl-C）",
    "stopped by hand (Ctrl-C)": "手动停止（Ctrl-C）",
    "rank {rank:n} died first: {reason}": "rank {rank} 最先死亡：{reason}",
    "the training ended: {reason}": "训练结束：{reason}",
    "a signal": "信号",
    "the training process is alive": "训练进程仍在运行",
    "its record was written to {seconds:n} s ago": "它的记录在 {seconds} s 之前还有写入",
    "the record holds no start mark": "记录中没有开始标记",
    "the record stops without an end mark, an exception or a catchable signal": "记录中断，没有结束标记、异常或可捕获的信号",
    "the log has no epoch": "日志中没有任何轮",
    "the time budget of {hours:n} h is used up": "{hours} h 的时间预算已用完",
    "epoch {done:n} is {patience:n} epochs after the best, epoch {best:n}": (
        "第 {done} 轮，距最佳的第 {best} 轮已有 {patience} 轮"
    ),
    "the log does not say how many epochs were planned": "日志没有说明计划训练多少轮",
    "the log ends at epoch {done:n} of {planned:n}": "日志在第 {done} 轮结束（计划 {planned} 轮）",
    "no better fitness for {patience:n} epochs": "fitness 已有 {patience} 轮没有提高",
    "stopped after {done}": "{done}后停止",
    "step {done:n} of {total:n}": "第 {done} 步（共 {total} 步）",
    "{done:n} of {total:n} steps": "{done}/{total} 步",
    "Trainer logged its end at step {done:n} of {total:n}": "Trainer 记录在第 {done} 步结束（共 {total} 步）",
    "the newest checkpoint is of step {done:n} of {total:n}; the next was not due": (
        "最新的检查点是第 {done} 步（共 {total} 步）的；还没到写下一个的时候"
    ),
    "the newest state is of step {done:n} of {total:n}": "最新的状态是第 {done} 步（共 {total} 步）的",
    "MLflow recorded the status {status!r}": "MLflow 记录的状态为 {status}",
    "the process ended with code {code:n}": "进程以代码 {code} 结束",
    "EarlyStopping after epoch {epoch:n}": "第 {epoch} 轮后 EarlyStopping",
    "interrupted after {done}": "{done}后被中断",
    # how a process died
    "it left no sign by which the cause could be told": "它没有留下可以判断原因的迹象",
    "the process died of a {fault} ({signal!r}), as trainwatch run saw": "进程死于{fault}（{signal}），由 trainwatch run 观察到",
    "the process died of a {fault} ({signal!r}), as trainwatch run saw, {frame!r}": (
        "进程死于{fault}（{signal}），由 trainwatch run 观察到，{frame}"
    ),
    "segmentation fault": "段错误",
    "bus error": "总线错误",
    "aborted": "异常中止（abort）",
    "abort": "异常中止（abort）",
    "arithmetic fault": "算术错误",
    "illegal instruction": "非法指令",
    "bad system call": "非法系统调用",
    "trap": "陷阱",
    "the process died of {signal!r}, as trainwatch run saw": "进程死于 {signal}，由 trainwatch run 观察到",
    "the process ended itself with exit code {code:n} without closing its record, as trainwatch run saw": (
        "进程以退出码 {code} 自行结束，没有关闭记录，由 trainwatch run 观察到"
    ),
    "SIGKILL, and the kernel counted a process of its control group killed for memory{held}": (
        "SIGKILL，且内核记录到其控制组中有进程因内存被杀死{held}"
    ),
    "SIGKILL, and the kernel counted a process of the machine killed for memory{held}; it was short of memory itself": (
        "SIGKILL，且内核记录到本机有进程因内存被杀死{held}；它自己当时内存不足"
    ),
    "SIGKILL, and the kernel counted a process of the machine killed for memory{held}; which one cannot be told": (
        "SIGKILL，且内核记录到本机有进程因内存被杀死{held}；无法得知是哪一个"
    ),
    "it was short of memory itself": "它自己当时内存不足",
    "which one cannot be told": "无法得知是哪一个",
    "whether it was this one cannot be told": "无法得知是否就是它",
    "SIGKILL, as trainwatch run saw; who sent it cannot be told{held}": (
        "SIGKILL，由 trainwatch run 观察到；无法得知是谁发出的{held}"
    ),
    "SIGKILL from outside, by hand or by a scheduler: the kernel counted no kill for memory{held}": (
        "来自外部的 SIGKILL，由人或调度系统发出：内核没有记录到因内存被杀死的进程{held}"
    ),
    "{fault} in native code": "本地代码中的{fault}",
    "{fault} in native code, {frame!r}": "本地代码中的{fault}，{frame}",
    "the machine has been restarted since; whether that ended it cannot be told": "此后机器重启过；无法得知它是否因此结束",
    "the machine has been restarted since, {duration} after the last sign of life; whether that ended it cannot be told": (
        "此后机器重启过，在最后的活动迹象之后 {duration}；无法得知它是否因此结束"
    ),
    ", {duration} after the last sign of life": "，在最后的活动迹象之后 {duration}",
    "the machine went down without a word to its processes (power, panic, reset): it came up again {duration} after the last "
    "sign of life": "机器没有通知任何进程就宕机了（断电、内核崩溃或重置）：在最后的活动迹象之后 {duration} 重新启动",
    "since its last sign of life the kernel has counted a process of its control group killed for memory{held}": (
        "自其最后的活动迹象以来，内核记录到其控制组中有进程因内存被杀死{held}"
    ),
    "since its last sign of life the kernel has counted a process killed for memory{held}; it was short of memory itself": (
        "自其最后的活动迹象以来，内核记录到有进程因内存被杀死{held}；它自己当时内存不足"
    ),
    "since its last sign of life the kernel has counted a process killed for memory{held}; whether it was this one cannot be "
    "told": "自其最后的活动迹象以来，内核记录到有进程因内存被杀死{held}；无法得知是否就是它",
    "since its last sign of life the kernel has counted a process killed for memory{held}": (
        "自其最后的活动迹象以来，内核记录到有进程因内存被杀死{held}"
    ),
    "no fault, no signal that can be heard, and the kernel counted no kill for memory: SIGKILL by hand or by a scheduler, or an "
    "exit past Python's own{held}": (
        "没有崩溃，没有可捕获的信号，内核也没有记录到因内存被杀死的进程：可能是人或调度系统发出的 SIGKILL，或绕过 Python "
        "的退出{held}"
    ),
    "(it held {held:n} GiB, and {free:n} GiB were to be had)": "（它占用 {held} GiB，还有 {free} GiB 可用）",
}
