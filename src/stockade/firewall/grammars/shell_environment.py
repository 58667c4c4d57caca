"""Environment variables that loaders, interpreters and tools obey as code or configuration.

Sources: ld.so(8), dyld(1), bash(1), python(1), perlrun(1), ruby(1), node(1), git(1), less(1).
A variable of any other name is data, unless a value of the request names it.

Not judged: variables of the application's own that its children obey, proxies (`HTTPS_PROXY`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from stockade.core.inputs import Input

__all__ = ["assigns_obeyed", "decided_by", "is_obeyed", "named_by"]

_NAMES = frozenset((
    "PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "PS0", "PS1", "PS2", "PS4",
    "PROMPT_COMMAND", "SHELL", "CDPATH", "FPATH", "ZDOTDIR", "GLOBIGNORE", "INPUTRC", "TERMINFO",
    "TERMCAP", "GCONV_PATH", "LOCPATH", "NLSPATH", "GLIBC_TUNABLES", "HOME", "XDG_CONFIG_HOME",
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONUSERBASE",
    "PYTHONBREAKPOINT", "PYTHONEXECUTABLE", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX",
    "PYTHONWARNINGS", "PERL5OPT", "PERL5LIB", "PERLLIB", "PERL5DB", "RUBYOPT", "RUBYLIB",
    "GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS",
    "LUA_INIT", "LUA_PATH", "LUA_CPATH", "PHPRC", "PHP_INI_SCAN_DIR", "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "JAVA_HOME", "EDITOR", "VISUAL", "PAGER",
    "MANPAGER", "SYSTEMD_PAGER", "BROWSER", "LESSOPEN", "LESSCLOSE", "LESS", "LESSKEY",
    "SSH_ASKPASS", "SUDO_ASKPASS", "SUDO_EDITOR", "SUDO_PROMPT", "RSYNC_RSH",
    "RSYNC_CONNECT_PROG", "CVS_RSH", "SVN_SSH", "SVN_EDITOR", "HGRCPATH", "HGEDITOR",
    "TAR_OPTIONS", "GREP_OPTIONS", "MAKEFLAGS", "MFLAGS", "OPENSSL_CONF", "OPENSSL_ENGINES",
    "OPENSSL_MODULES", "CURL_HOME", "WGETRC", "KUBECONFIG", "DOCKER_HOST", "DOCKER_CONFIG",
    "PGSERVICEFILE", "PGSYSCONFDIR", "PSQLRC", "GIT_DIR", "GIT_WORK_TREE", "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR", "GIT_SSH", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "GIT_PAGER",
))  # fmt: skip
_PREFIXES = ("LD_", "DYLD_", "BASH_FUNC_", "GIT_CONFIG", "NPM_CONFIG_")
_GIT = re.compile(r"GIT_\w*(?:COMMAND|EDITOR|PAGER)\Z").match
_SEPARATORS = ":;, \t\n="
_ASSIGNED = re.compile(r"(?<!\w)([A-Za-z_]\w*+)=", re.ASCII).findall
_PLAIN = re.compile(r"[\w.@+%-]*\Z").match


def is_obeyed(name: str) -> bool:
    """Whether programs do what a variable of this name says."""
    return name in _NAMES or name.startswith(_PREFIXES) or _GIT(name) is not None


def assigns_obeyed(text: str) -> bool:
    """Whether a shell command holds `NAME=` for such a variable; their names end upper-case."""
    place = text.find("=")
    while place > 0:
        if text[place - 1].isupper():
            return any(map(is_obeyed, _ASSIGNED(text)))
        place = text.find("=", place + 1)
    return False


def named_by(name: str, values: Iterable[Input]) -> Input | None:
    """The value that is, or begins, the name of a variable."""
    for item in values:
        stripped = item.value.strip()
        # NAME=VALUE at once, as `env` and `sudo` take it.
        if stripped and (name == stripped or stripped.startswith(f"{name}=")):
            return item
        if len(stripped) > 1 and name.startswith(stripped) and is_obeyed(name):
            return item
    return None


def decided_by(text: str, values: Iterable[Input]) -> Input | None:
    """The value that is a whole entry of the text of an obeyed variable, or more than a word of it.

    A plain name inside an entry that the developer began (`/srv/{tenant}/bin`) decides nothing.
    """
    for item in values:
        value = item.value.strip()
        start = text.find(value) if len(value) > 1 else -1
        while start >= 0:
            if not _PLAIN(value) or not start or text[start - 1] in _SEPARATORS:
                return item
            start = text.find(value, start + 1)
    return None
