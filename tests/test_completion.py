"""Completion in real shells: what --install-completion wrote is read by the shell and asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tiers import daily

pytestmark = pytest.mark.slow

BASH = """
faceveil --install-completion
source ~/.bashrc
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
asked=$(complete -p faceveil)
asked=${{asked##*-F }}
${{asked%% *}} faceveil
printf '%s\\n' answer: "${{COMPREPLY[@]}}"
"""
# What zsh completes with works only while somebody types, so two of its functions stand in.
ZSH = """
faceveil --install-completion
compdef() {{ asked=$1 }}
_arguments() {{ print -rl answer: $1 }}
source ~/.zfunc/_faceveil
words=({words}) CURRENT=$#words
$asked
"""
FISH = """
faceveil --install-completion
source ~/.config/fish/completions/faceveil.fish
echo answer:
complete --do-complete '{line}'
"""
SHELLS = {"bash": ("--noprofile", "--norc"), "zsh": ("-f",), "fish": ()}
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@pytest.mark.parametrize("shell", daily(SHELLS, "bash"))
@pytest.mark.parametrize(
    ("line", "offered", "kept_back"),
    [
        ("faceveil wei", "weights", "veil"),
        pytest.param("faceveil weights ", "verify", "veil", marks=pytest.mark.long),
        pytest.param("faceveil veil --pres", "--preset", "--method", marks=pytest.mark.long),
        pytest.param("faceveil veil --preset ", "strict", "pixelate", marks=pytest.mark.long),
    ],
)
def test_a_shell_completes(
    shell: str, line: str, offered: str, kept_back: str, tmp_path: Path
) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    words = line if line[-1] != " " else f'{line}""'
    script = SCRIPTS[shell].format(line=line, words=words)
    here = Path(sys.executable).parent
    done = subprocess.run(
        [program, *SHELLS[shell], "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path), "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
    )
    assert done.stderr == ""
    said, _, answer = done.stdout.partition("\nanswer:\n")
    assert f"{shell} completion installed" in said
    assert offered in answer
    assert kept_back not in answer
