"""The texts of the report page, in English and in Chinese."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("FaceVeil report", "人脸遮盖报告"),
    "overview": ("Files", "文件一览"),
    "files": ("Files", "文件"),
    "done": ("Done and checked", "完成并通过检查"),
    "with warnings": ("Done with warnings", "完成但有警告"),
    "no output": ("No output", "没有输出"),
    "covered": ("Faces covered", "已遮盖的人脸"),
    "visible": ("Left visible on request", "按要求保留可见"),
    "filled": ("Covered unseen", "推断补盖"),
    "blind": ("Not looked for below", "不检测小于此尺寸的人脸"),
    "input": ("Input", "输入"),
    "output": ("Output", "输出"),
    "status": ("Result", "结果"),
    "remarks": ("Remarks", "备注数"),
    "sheet": ("The output", "输出画面"),
    "warnings": ("Warnings", "警告"),
    "findings": ("Found by the check", "检查发现"),
    "notes": ("Notes", "说明"),
    "media": ("Picture or video", "图片或视频"),
    "seen": ("Seen", "检测到"),
    "dropped": ("Left out of the output", "未带入输出的内容"),
    "sha256 in": ("SHA-256 of the input", "输入的 SHA-256"),
    "sha256 out": ("SHA-256 of the output", "输出的 SHA-256"),
    "how": ("How it was made", "处理方式"),
    "method": ("Method", "遮盖方式"),
    "settings": ("Settings other than usual", "非默认设置"),
    "settings sha256": ("SHA-256 of all settings", "全部设置的 SHA-256"),
    "detector": ("Detector", "检测器"),
    "weights": ("SHA-256 of its weights", "检测器权重的 SHA-256"),
    "check": ("Check", "检查"),
    "unchecked": ("the output was not checked", "输出未经检查"),
    "version": ("Version", "版本"),
    "date": ("Date (UTC)", "日期（UTC）"),
    "seconds": ("Seconds", "用时（秒）"),
    "sizes": ("Faces by size", "按尺寸统计的人脸"),
    "faces": ("Faces over time", "人脸轨迹"),
    "number": ("No.", "编号"),
    "origin": ("Origin", "来源"),
    "frames": ("Frames", "帧"),
    "pixels": ("Size, px", "尺寸（像素）"),
    "score": ("Score", "置信度"),
    "more": ("more, see the JSON report", "条，见 JSON 报告"),
    "limits": ("What this report does not say", "本报告不保证什么"),
    "verify": ("How to verify", "如何核对"),
}

STATUS: Final = {
    "ok": ("done", "完成"),
    "partial": ("with warnings", "有警告"),
    "failed": ("no output", "无输出"),
    "skipped": ("passed over", "已跳过"),
}

LIMITS: Final = (
    (
        "That every face was found. Faces below the size given were not looked for; others can "
        "be missed.",
        "不保证找到每一张人脸：小于所示尺寸的人脸未被检测，其他人脸也可能漏检。",
    ),
    (
        "That nobody can be recognized. Body, clothes, voice, company and place tell people apart, "
        "too.",
        "不保证无人可被认出：体态、衣着、声音、同伴和地点同样可能暴露身份。",
    ),
    (
        "That the result satisfies a law, or that the files were not changed since: compare the "
        "hashes.",
        "不代表结果符合任何法律，也不代表文件此后未被改动：请核对哈希值。",
    ),
)

VERIFY: Final = (
    (
        "Output: the SHA-256 of the file (sha256sum FILE) is the one above.",
        "输出文件：用 sha256sum 计算的值应与上文一致。",
    ),
    (
        "This page, if it was signed: ssh-keygen -Y verify -f allowed_signers -I NAME -n faceveil "
        "-s PAGE.sig < PAGE",
        "本页如已签名，可用上述 ssh-keygen 命令核对，其中 NAME 为签名者，PAGE 为本文件。",
    ),
)
