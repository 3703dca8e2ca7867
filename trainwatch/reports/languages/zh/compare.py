"""What a comparison of trainings says. Holes: see ``languages.sentences``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COMPARE: Final[Mapping[str, str]] = {
    # words of the table and the page
    "confidence": "把握", "Confidence": "把握", "What was changed": "修改了什么", "Findings": "发现", "Measures": "指标",
    "finding": "发现", "Finding": "发现", "measure": "指标", "Measure": "指标", "difference": "差异", "Difference": "差异",
    "95 % interval": "95% 区间", "Severity": "严重程度", "Change": "变化", "Read this with care": "请谨慎解读",
    "gone": "已消失", "new": "新出现", "still there": "仍然存在", "yes": "有", "no": "无", "(decides)": "（决定结论）", ":": "：", ",": "，",
    "before": "之前", "after": "之后",
    "helped": "有帮助", "harmed": "有害", "no difference": "没有差异", "could not tell": "无法判断", "critical": "严重",
    "info": "信息", "and": "和", "not measured": "未测量", "no finite value": "没有有限值",
    "by time": "按时间", "by step": "按步", "by epoch": "按轮", "Curves by epoch": "按轮的曲线", "Curves by step": "按步的曲线",
    "Curves by time": "按时间的曲线",
    "of": "/", "{low:n} to {high:n}": "{low} 至 {high}",
    "{low!r} to {high!r}": "{low} 至 {high}", "… and {count:n} more (--format json)": "… 另有 {count} 项（--format json）",
    "made by trainwatch {version!r}, without any request to anywhere": "由 trainwatch {version} 生成，不访问任何网络",
    "score": "得分", "validation loss": "验证损失",
    "Validation score ({name!s})": "验证得分（{name}）",
    "Validation loss ({name!s})": "验证损失（{name}）",
    "Time per epoch": "每轮时间",
    "Time per step": "每步时间",
    "Peak memory of the process": "进程内存峰值",
    "Peak device memory": "显存峰值",
    "A point stands for up to {per:n} values; the band is their minimum and maximum.": (
        "每个点最多代表 {per} 个值；色带为其最小值和最大值。"
    ),
    # the answer
    "The change helped: {what} is gone": "修改有帮助：{what} 已消失",
    "The change helped: {what} are gone": "修改有帮助：{what} 已消失",
    "The change did harm: {what} is new": "修改有害：新出现 {what}",
    "The change did harm: {what} are new": "修改有害：新出现 {what}",
    "The change helped: {what} is gone, and the {measure} is {better}": "修改有帮助：{what} 已消失，且{measure}{better}",
    "The change helped: {what} are gone, and the {measure} is {better}": "修改有帮助：{what} 已消失，且{measure}{better}",
    "The change did harm: {what} is new, and the {measure} is {better}": "修改有害：新出现 {what}，且{measure}{better}",
    "The change did harm: {what} are new, and the {measure} is {better}": "修改有害：新出现 {what}，且{measure}{better}",
    "better": "更好", "worse": "更差",
    "The change helped: the {measure} went from {old:n} to {new:n}": "修改有帮助：{measure}从 {old} 变为 {new}",
    "The change did harm: the {measure} went from {old:n} to {new:n}": "修改有害：{measure}从 {old} 变为 {new}",
    "No difference beyond the noise: the {measure} is {old:n} before and {new:n} after": (
        "没有超出噪声的差异：{measure}之前为 {old}，之后为 {new}"
    ),
    "Could not tell: {what} is gone, but the {measure} is {better}": "无法判断：{what} 已消失，但{measure}{better}",
    "Could not tell: {what} came, yet the {measure} is {better}": "无法判断：新出现 {what}，但{measure}{better}",
    "Could not tell: {went!r} went, {came!r} came": "无法判断：{went} 消失，{came} 出现",
    "Could not tell: the runs share no validation measure that may be compared": "无法判断：各次训练没有可比较的共同验证指标",
    "Could not tell: the {measure} stayed at zero on both sides": "无法判断：两边的{measure}都停在零",
    "Could not tell: too few epochs with a {measure} on both sides": "无法判断：两边有{measure}的轮数太少",
    # reasons
    "Critical before, and gone now: {what}.": "之前有、现在已消失的严重故障：{what}。",
    "Critical now, and not there before: {what}.": "之前没有、现在新出现的严重故障：{what}。",
    "{id!r} (critical) went: {a:n} of {b:n} runs before, {c:n} of {d:n} after.": (
        "{id}（严重）消失：之前 {b} 次训练中有 {a} 次，之后 {d} 次中有 {c} 次。"
    ),
    "{id!r} (critical) came: {a:n} of {b:n} runs before, {c:n} of {d:n} after.": (
        "{id}（严重）出现：之前 {b} 次训练中有 {a} 次，之后 {d} 次中有 {c} 次。"
    ),
    "{title}: below {least:n} on both sides, nothing has been learnt yet.": "{title}：两边都低于 {least}，还没有学到东西。",
    "{title}: too few validated epochs for a level on both sides.": "{title}：两边经过验证的轮数太少，无法得出水平。",
    "{title}: {old:n} before, {new:n} after, a difference of {by:n} ± {half:n} (95 % interval, from the seeds given).": (
        "{title}：之前 {old}，之后 {new}，差异 {by} ± {half}（95% 区间，由所给种子得出）。"
    ),
    "{title}: {old:n} before, {new:n} after, a difference of {by:n} ± {half:n} (95 % interval, estimated from how far each run "
    "swings from epoch to epoch, times {factor:n}; other seeds may differ more).": (
        "{title}：之前 {old}，之后 {new}，差异 {by} ± {half}（95% 区间，由每次训练逐轮的波动乘以 {factor} 估计；"
        "换其他种子，差异可能更大）。"
    ),
    "A difference of more than {largest:n} is ruled out.": "可以排除大于 {largest} 的差异。",
    "A difference of up to {largest:n} may hide in the noise; {seeds:n} seeds on each side would show a difference of "
    "{counts:n}.": (
        "噪声中可能藏有至多 {largest} 的差异；每边用 {seeds} 个种子可以看出 {counts} 的差异。"
    ),
    "Levels are those up to {at}, the last that all runs reached (not all came to their end).": (
        "水平截至{at}，即所有训练都到达的最后位置（并非都到了终点）。"
    ),
    "Levels are those up to {at}, the last that all runs reached (compared by {by}).": (
        "水平截至{at}，即所有训练都到达的最后位置（按 {by} 比较）。"
    ),
    "The runs have different lengths; each is judged at its own end.": "各次训练长度不同；各自按自己的终点判断。",
    "--by epoch compares at equal length.": "--by epoch 按相同长度比较。",
    "What is validated may not be the same: {what} differs.": "验证的内容可能不同：{what} 不同。",
    "No argument differs.": "没有参数不同。", "Only the seed differs.": "只有种子不同。",
    "The arguments of some runs were not recorded; what was changed is not known.": "有些训练的参数没有记录；不知道修改了什么。",
    "A run is compared with itself.": "在把一次训练与它自己比较。", "{path!s} is still running.": "{path} 仍在运行。",
}  # fmt: skip
