"""Titles, captions, marks and descriptions of charts. Holes: see :mod:`trainwatch.reports.languages.sentences`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHARTS: Final[Mapping[str, str]] = {
    # titles
    "Training loss": "训练损失",
    "Loss components": "损失分量",
    "Loss components, gain divided out": "损失分量（已除以增益）",
    "Loss components as logged, gain included": "损失分量（原始记录，含增益）",
    "Gradient norm before clipping": "裁剪前的梯度范数",
    "Gradient norm per sample, before clipping": "每样本梯度范数（裁剪前）",
    "Learning rate": "学习率",
    "Validation score": "验证得分",
    "Validation metrics": "验证指标",
    "Training loss per epoch": "每轮训练损失",
    "Validation loss": "验证损失",
    "Device memory": "显存",
    "Memory of the process": "进程内存",
    "Time per step and wait for data": "每步耗时与等待数据",
    "Image width in pixels": "图像宽度",
    "Objects per micro-batch": "每个小批次的目标数",
    "Augmentation": "数据增强",
    "Gradient scale": "梯度缩放",
    "Update of the weights, over their norm": "权重更新量与权重范数之比",
    "Averaged weights against the model": "平均权重（EMA）与模型之差",
    "Gradient norm per layer": "各层梯度范数",
    "Each point stands for {count:n} values; the band is their true minimum and maximum.": (
        "每个点代表 {count} 个值；色带是它们真实的最小值和最大值。"
    ),
    # marks
    "onset: {names!r}": "起点：{names}",
    "checkpoint (best)": "检查点（最佳）",
    "attempt {attempt:n} of the epoch": "该轮第 {attempt} 次尝试",
    "early stop": "提前停止",
    "stopped": "已停止",
    "rescue": "rescue",
    "gradient norm": "梯度范数",
    "{title}, around the onset": "{title}，起点附近",
    "forecast": "预测",
    "{name!r} lowest": "{name} 最小值",
    "{name!r} highest": "{name} 最大值",
    "dark: {value:n}": "深色：{value}",
    "light: {value:n}": "浅色：{value}",
    "dark: less than": "深色：不到",
    "a millionth of it": "其百万分之一",
    "or more": "或更大",
    "or less": "或更小",
    "hatched:": "斜线：",
    "no value": "无数值",
    "step": "步",
    "epoch": "轮",
    # descriptions for screen readers
    "{name!r}: no finite value": "{name}：没有有限值",
    "{name!r} from {first} to {last}, smallest {low}, largest {high}": "{name} 从 {first} 到 {last}，最小 {low}，最大 {high}",
    "{name!r} from {first} to {last}, smallest {low}, largest {high}, not finite at {count:n} places": (
        "{name} 从 {first} 到 {last}，最小 {low}，最大 {high}，{count} 处不是有限值"
    ),
    ", not finite at {count:n} places": "，{count} 处不是有限值",
    "forecast up to {value}": "预测到 {value}",
    "onset: {name!r} at step {step:n}.": "起点：{name}，第 {step} 步。",
    "onset: {name!r} at epoch {epoch:n}.": "起点：{name}，第 {epoch} 轮。",
    "{title!r} by step": "{title}（按步）",
    "{title!r} by epoch": "{title}（按轮）",
    "limit {value}": "上限 {value}",
    "limit {value}, far above": "上限 {value}，远高于此",
}
