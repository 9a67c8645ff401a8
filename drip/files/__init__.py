"""YAML and letter files become plain values with their line numbers; nothing here opens a socket or writes.

YAML is read by the core rules of YAML 1.2, so that `12:30`, `no` and `on` are the words that editors show.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Protocol

import yaml

from drip.core.problem import Problem, quoted
from drip.core.source import Document, LetterText, Marks, Parsed, Place, Source
from drip.core.source import Path as ValuePath

__all__ = ["Parsed", "Source", "parse_source", "read_letter", "read_project", "read_yaml"]

BYTES_MAX = 1024 * 1024
DEPTH_MAX = 40
NODES_MAX = 100_000

_SUFFIXES = (".md", ".html", ".txt", ".yaml", ".css", ".shingles")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_FRONT = re.compile(r"---[ \t]*\n(?P<front>.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_TAG = "tag:yaml.org,2002:"


# Files ---------------------------------------------------------------------------------------------------------------


def read_project(schedule_path: Path, emails_dir: Path) -> Source:
    """Return every text of a project; files that cannot be read are in `unread`, each with a remedy.

    The two paths may be symbolic links, since the operator names them; nothing below them may, because a link could
    put any file of the machine into a letter.
    """
    unread: list[Problem] = []
    schedule = _text_of(schedule_path, str(schedule_path), unread)
    letters: dict[str, str] = {}
    _read_folder(emails_dir, "", str(emails_dir), letters, unread)
    return Source(schedule, letters, tuple(sorted(unread)))


def _read_folder(folder: Path, below: str, shown: str, letters: dict[str, str], unread: list[Problem]) -> None:
    try:
        entries = sorted(folder.iterdir())
    except OSError as trouble:
        reason = (trouble.strerror or "unreadable").lower()
        unread.append(Problem(shown, 1, 1, "F101", f"this folder cannot be read: {reason}", "name it with --emails"))
        return
    for entry in entries:
        if entry.name.startswith((".", "#")) or entry.name.endswith("~"):
            continue
        wanted = entry.name.endswith(_SUFFIXES) or entry.is_dir()
        file = f"{shown}/{entry.name}"
        if not wanted:
            continue
        if _NAME.fullmatch(entry.name) is None:
            name = entry.name.encode("ascii", "backslashreplace").decode()
            hint = "rename it with letters, digits, dots and hyphens only"
            unread.append(Problem(f"{shown}/{name}", 1, 1, "F105", "this name cannot be used", hint))
        elif entry.is_symlink():
            unread.append(Problem(file, 1, 1, "F102", "this is a symbolic link", "put the file itself here"))
        elif entry.is_dir():
            _read_folder(entry, f"{below}{entry.name}/", file, letters, unread)
        else:
            before = len(unread)
            text = _text_of(entry, file, unread)
            if len(unread) == before:
                letters[f"{below}{entry.name}"] = text


def _text_of(path: Path, file: str, unread: list[Problem]) -> str:
    """Return the text of *path* with plain newlines, or nothing and one more problem in *unread*."""
    raw = b""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            unread.append(Problem(file, 1, 1, "F101", "this is not a file", "put a text file here"))
            return ""
        if facts.st_size <= BYTES_MAX:
            raw = path.read_bytes()
        if max(facts.st_size, len(raw)) > BYTES_MAX:
            unread.append(Problem(file, 1, 1, "F103", "this file is larger than 1 MiB", "make it smaller, or split it"))
            return ""
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        line, column = _place_in(raw.removeprefix(b"\xef\xbb\xbf")[: trouble.start])
        unread.append(Problem(file, line, column, "F104", "this is not UTF-8 text", "save the file as UTF-8"))
        return ""
    except (OSError, ValueError) as trouble:
        reason = (getattr(trouble, "strerror", None) or "unreadable").lower()
        hint = "check its name, or name another one" if isinstance(trouble, FileNotFoundError) else "check its permissions"
        unread.append(Problem(file, 1, 1, "F101", f"this file cannot be read: {reason}", hint))
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _place_in(before: bytes) -> Place:
    text = before.decode("utf-8", "ignore")
    return text.count("\n") + 1, len(text) - text.rfind("\n")


# A source ------------------------------------------------------------------------------------------------------------


def parse_source(source: Source, *, schedule_file: str = "schedules.yaml", emails: str = "emails") -> Parsed:
    """Return the plain values of *source*, with every problem of reading it; problems name files by the two names."""
    problems = list(source.unread)
    schedule = Document(schedule_file)
    if not any(problem.file == schedule_file for problem in source.unread):
        schedule, found = read_yaml(source.schedule_text, schedule_file)
        problems += found
    letters: dict[str, LetterText] = {}
    broken: set[str] = set()
    for path, text in sorted(source.letters.items()):
        if path.endswith(".md") and not path.startswith("_base/") and path.rpartition("/")[2] != "README.md":
            letter, found = read_letter(text, path, emails=emails)
            letters[path] = letter
            problems += found
            if found:
                broken.add(path)
    references = None
    if "references.yaml" in source.letters:
        references, found = read_yaml(source.letters["references.yaml"], f"{emails}/references.yaml")
        problems += found
    return Parsed(source, emails, schedule, letters, references, tuple(sorted(problems)), frozenset(broken))


def read_letter(text: str, path: str, *, emails: str = "emails") -> tuple[LetterText, list[Problem]]:
    """Return the letter in *text* taken apart, and what is wrong with its front matter; *path* is below *emails*."""
    file = f"{emails}/{path}"
    match = _FRONT.match(text)
    if match is None:
        began = text.startswith("---")
        fault = "the front matter has no end" if began else "this letter has no front matter"
        hint = "close it with a line ---" if began else "begin with a line ---, then `title: ...`, `subject: ...`, and a line ---"
        return LetterText(path, Document(file), text), [Problem(file, 1, 1, "L101", fault, hint)]
    front, problems = read_yaml("\n" + match["front"], file)
    return LetterText(path, front, "\n" * match[0].count("\n") + text[match.end() :]), problems


# YAML ----------------------------------------------------------------------------------------------------------------


def read_yaml(text: str, file: str) -> tuple[Document, list[Problem]]:
    """Return the plain values of a YAML *text* with their places, and every problem of reading it.

    The values are None when the text is broken beyond reading.
    """
    try:
        # Depth is counted on the stream of events first: composing recurses in C, where too deep means a crash.
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEPTH_MAX:
                line, column = _place(event.start_mark)
                hint = f"at most {DEPTH_MAX} levels are read"
                return Document(file), [Problem(file, line, column, "Y105", "lists and keys are nested too deep", hint)]
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as trouble:
        return Document(file), [_broken(trouble, text, file)]
    except yaml.reader.ReaderError as trouble:
        line, column = _place_in(text.encode("utf-8", "replace")[: trouble.position])
        hint = "delete it; it may be invisible in your editor"
        return Document(file), [Problem(file, line, column, "Y101", "a control character stands here", hint)]
    except UnicodeEncodeError as trouble:
        line, column = _place_in(text[: trouble.start].encode("utf-8", "replace"))
        return Document(file), [Problem(file, line, column, "F104", "this is not UTF-8 text", "save the file as UTF-8")]
    if node is None:
        return Document(file), []
    builder = _Builder(file)
    try:
        values = builder.build(node, ())
    except _TooMuchError as trouble:
        line, column = _place(trouble.node.start_mark)
        return Document(file), [Problem(file, line, column, "Y105", trouble.text, "write it out without the alias")]
    return Document(file, values, Marks(builder.values, builder.keys)), builder.problems


class _Loader(yaml.CSafeLoader):
    """PyYAML's fast loader with the scalars of YAML 1.2's core schema instead of those of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - filled just below


for _kind, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    ("int", r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", "-+0123456789"),
    ("float", r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)\Z", "-+.0123456789"),
    ("float", r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z", "-+."),
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("merge", r"<<\Z", "<"),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(_pattern, re.ASCII), list(_first))


class _TooMuchError(Exception):
    """Aliases unfold into too much, or into themselves."""

    def __init__(self, node: yaml.Node, text: str) -> None:
        super().__init__(text)
        self.node = node
        self.text = text


class _Builder:
    """Turns composed nodes into plain values, remembering where each stood."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.values: dict[ValuePath, Place] = {}
        self.keys: dict[ValuePath, Place] = {}
        self._open: set[int] = set()
        self._visited: list[int] = [0]  # shared with the builders aside

    def build(self, node: yaml.Node, path: ValuePath) -> object:
        """Return the plain value of *node*, and note its place."""
        self._visited[0] += 1
        if id(node) in self._open:
            raise _TooMuchError(node, "an alias here refers to what it stands in")
        if self._visited[0] > NODES_MAX:
            raise _TooMuchError(node, "there are too many values here")
        self.values[path] = _place(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        value: object
        if isinstance(node, yaml.MappingNode):
            self._known(node, "map")
            value = self._mapping(node, path)
        else:
            self._known(node, "seq")
            value = [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        self._open.discard(id(node))
        return value

    def _mapping(self, node: yaml.MappingNode, path: ValuePath) -> dict[str | int, object]:
        built: dict[str | int, object] = {}
        merges: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merges.append(value_node)
                continue
            key = self._key(key_node)
            if key is None:
                continue
            place = _place(key_node.start_mark)
            if key in built:
                first = self.keys[(*path, key)][0]
                self._fault("Y103", key_node, f"{key} is given twice", f"the first is in line {first}; remove one of them")
                # What stands below the second one is still read for faults of its own.
                self._aside().build(value_node, path)
                continue
            self.keys[(*path, key)] = place
            built[key] = self.build(value_node, (*path, key))
        for merge in merges:
            built.update(self._merged(merge, path, built))
        return built

    def _aside(self) -> _Builder:
        """Return a builder that shares the problems but keeps its own marks."""
        aside = _Builder(self.file)
        aside.problems, aside._open, aside._visited = self.problems, self._open, self._visited
        return aside

    def _merged(self, node: yaml.Node, path: ValuePath, built: dict[str | int, object]) -> dict[str | int, object]:
        """Return the entries that a `<<` adds: those of the mappings it names that are not given already."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        added: dict[str | int, object] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._fault("Y104", source, "<< does not name a group of keys", "write `<<: *name`")
                continue
            aside = self._aside()
            found = aside.build(source, path)
            entries = found if isinstance(found, dict) else {}
            for key in [key for key in entries if key not in built and key not in added]:
                added[key] = entries[key]
                below = (*path, key)
                for mine, theirs in ((self.values, aside.values), (self.keys, aside.keys)):
                    mine.update({way: place for way, place in theirs.items() if way[: len(below)] == below})
        return added

    def _key(self, node: yaml.Node) -> str | int | None:
        if isinstance(node, yaml.ScalarNode):
            value = self._scalar(node)
            return value if isinstance(value, (str, int)) and not isinstance(value, bool) else node.value
        self._fault("Y106", node, "a list or a group of keys cannot be a key", "put text that begins with { or [ in quotes")
        return None

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = str(node.value)
        try:
            match node.tag.removeprefix(_TAG):
                case "str" | "merge":
                    return text
                case "null":
                    return None
                case "bool":
                    return {"true": True, "false": False}[text.lower()]
                case "int":
                    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
                case "float":
                    return float(re.sub(r"^([-+]?)\.(inf|nan)$", r"\1\2", text.lower()))
        except (ValueError, KeyError):
            self._fault("Y104", node, f"{quoted(text)} cannot be read as a value of its kind", "put it in quotes")
            return text
        self._known(node, "str")
        return text

    def _known(self, node: yaml.Node, kind: str) -> None:
        if node.tag != f"{_TAG}{kind}":
            self._fault(
                "Y104",
                node,
                f"the tag {quoted(node.tag)} is not read here",
                "remove it, or put text that begins with ! in quotes",
            )

    def _fault(self, code: str, node: yaml.Node, text: str, hint: str) -> None:
        line, column = _place(node.start_mark)
        self.problems.append(Problem(self.file, line, column, code, text, hint))


class _Spot(Protocol):
    """A mark of the parser, in C or not: 0-based."""

    line: int
    column: int


def _place(mark: _Spot | None) -> Place:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


_EXPLAINED = (
    (
        "mapping values are not allowed",
        "a second `: ` stands where none is expected",
        "put text with `: ` in quotes, or check the indentation",
    ),
    ("while scanning a quoted scalar", "a quote is opened and never closed", "close it on the same line"),
    ("while parsing a flow sequence", "a list that begins with [ is not closed", "put a comma between entries and ] at the end"),
    ("while parsing a flow mapping", "a group that begins with { is not closed", "put a comma between entries and } at the end"),
    (
        "while parsing a flow node",
        "a value is missing in [ ] or { }, or they are not closed",
        "close them, and remove a stray comma",
    ),
    ("could not find expected ':'", "a key has no `:` after it", "write `key: value`, with a space after the colon"),
    ("found undefined alias", "there is no anchor by this name", "put text that begins with * in quotes"),
    ("found another document", "a second document begins here", "keep one; remove the line ---"),
    ("cannot start any token", "a value cannot begin with this character", "put it in quotes"),
    (
        "while parsing a block",
        "this line is indented differently from its neighbours",
        "indent entries of one list or group alike",
    ),
)
_AT_THE_OPENING = ("while scanning a quoted scalar", "while parsing a flow sequence", "while parsing a flow mapping")


def _broken(trouble: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """Return the problem that says in an operator's words what the parser stumbled over."""
    said = f"{trouble.context or ''} {trouble.problem or ''}"
    line, column = _place(trouble.problem_mark or trouble.context_mark)
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    if here[column - 1 : column] == "\t" or (
        "\t" in here[: len(here) - len(here.lstrip())] and column <= len(here) - len(here.lstrip()) + 1
    ):
        tab = here.index("\t") + 1
        return Problem(file, line, tab, "Y102", "a tab stands where only spaces may", "indent with spaces")
    if any(words in said for words in _AT_THE_OPENING):
        line, column = _place(trouble.context_mark)
    for words, sentence, hint in _EXPLAINED:
        if words in said:
            return Problem(file, line, column, "Y101", sentence, hint)
    return Problem(file, line, column, "Y101", said.strip(), "compare the indentation with the lines around it")
