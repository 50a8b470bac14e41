"""prose.py: the English in a file: comments, documentation, messages and names of tests. Imported, never run."""
import io
import re
import tokenize

from tree import files, read

C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|(?:"(?:\\.|[^"\\\n])*"\s*)+|\'(?:\\.|[^\'\\\n])*\'', re.S)
C_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|LISTEN|UNLISTEN|COMMIT|SET)\b")
SQL_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:''|[^'])*'", re.S)
SQL_MESSAGE = re.compile(
    r"(\bCOMMENT\s+ON\s[^;]*\bIS|\bRAISE(\s+(EXCEPTION|WARNING|NOTICE|LOG|INFO|DEBUG))?|\b(HINT|DETAIL|MESSAGE)\s*=)\s*$"
)
SQL_CODE = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|JOIN|CASE|WHEN|AND|OR|NOT|NULL|COALESCE|CREATE|DROP|ON|IN|AS)\b")
JS_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"
    r"|(?<=[(,=:\[!&|?{};\n])[ \t]*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/",
    re.S,
)
JS_TEST = re.compile(r"\b(test|it|describe)(\.\w+)?\(\s*$")
SHELL_COMMENT = re.compile(r"(?:^|\s)#(?!!)(.*)$")
SHELL_MESSAGE = re.compile(r"\b(?:say|die|echo|printf)\s[^#]*?([\"'])(.*?)\1")
MARKDOWN_CODE = re.compile(r"^( *)(```|~~~).*?^\1\2[ \t]*$", re.M | re.S)
TEST_NAME = re.compile(r"^(\w+)\(void \*\*", re.M)
LOG_EVENT = re.compile(r"\blog_\w+\(\s*$")


def is_sentence(text, least=3):
    """Says whether a literal holds words for people rather than a name, a number, or data."""
    return len(re.findall(r"(?:^|\s)[a-zA-Z]+", text)) >= least and text.lstrip()[:1] not in ("{", "[", "<")


def spread(text, start, words):
    """Yields (line, words) for a token that begins at an offset of the text."""
    line = text.count("\n", 0, start) + 1
    for offset, part in enumerate(words.split("\n")):
        yield line + offset, part


def c_prose(name):
    text = read(name)
    for match in C_TOKEN.finditer(text):
        token = match.group()
        if token.startswith("/"):
            yield from spread(text, match.start(), token)
        elif token[0] == '"':
            words = re.sub(r"\\[nt]", " ", re.sub(r'"(\s*)"', r"\1", token))
            if LOG_EVENT.search(text, 0, match.start()):
                yield from spread(text, match.start(), words.replace("_", " "))
            elif is_sentence(words.strip('"')) and not C_SQL.search(words) and "Content-" not in words:
                yield from spread(text, match.start(), words)
    if name.startswith("test/"):
        for match in TEST_NAME.finditer(text):
            yield from spread(text, match.start(), match.group(1).replace("_", " "))


def sql_prose(name):
    """In the extension's own SQL, literals are prose unless they hold SQL; elsewhere only messages are."""
    text = read(name)
    end = 0
    for match in SQL_TOKEN.finditer(text):
        token = match.group()
        if token[0] in "-/" or SQL_MESSAGE.search(text, max(end - 1, 0), match.start()):
            yield from spread(text, match.start(), token)
        elif name.startswith("sql/") and is_sentence(token[1:], 4) and not SQL_CODE.search(token):
            yield from spread(text, match.start(), token)
        end = text.rfind(";", 0, match.start()) + 1 if token[0] in "-/" else match.start()


def js_prose(name):
    text = read(name)
    for match in JS_TOKEN.finditer(text):
        token = match.group()
        if token.startswith(("//", "/*")) or JS_TEST.search(text, max(match.start() - 40, 0), match.start()):
            yield from spread(text, match.start(), re.sub(r"\$\{[^}]*\}", " ", token))


def hash_prose(name):
    """Comments of shell scripts, makefiles and configuration, and the messages of shell scripts."""
    for number, line in enumerate(read(name).splitlines(), 1):
        comment = SHELL_COMMENT.search(line)
        if comment:
            yield number, comment.group(1)
        for _, message in SHELL_MESSAGE.findall(line[: comment.start()] if comment else line):
            if is_sentence(message):
                yield number, message


def python_prose(name):
    for token in tokenize.generate_tokens(io.StringIO(read(name)).readline):
        words = token.string
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT" and not words.startswith("#!"):
            yield token.start[0], words
        elif kind in ("STRING", "FSTRING_MIDDLE") and is_sentence(re.sub(r"\{[^}]*\}", " ", words.strip("rf\"'")), 4):
            for offset, part in enumerate(words.split("\n")):
                yield token.start[0] + offset, part


def css_prose(name):
    text = read(name)
    for match in re.finditer(r"/\*.*?\*/", text, re.S):
        yield from spread(text, match.start(), match.group())


def markdown_prose(name, code=" "):
    """Paragraphs, cells and headings. Blocks of code are left out; code in a line becomes the given text."""
    text = MARKDOWN_CODE.sub(lambda m: "\n" * m.group().count("\n"), read(name))
    text = re.sub(r"(`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\1(?!`)", lambda m: code + "\n" * m.group().count("\n"), text, flags=re.S)
    text = re.sub(r"\]\([^)]*\)|<[^>\n]+>|https?://\S+", " ", text)
    yield from enumerate(text.split("\n"), 1)


def man_prose(name):
    for number, line in enumerate(read(name).splitlines(), 1):
        if not line.startswith('.\\"'):
            yield number, re.sub(r"^\.[A-Z]+|\\f[A-Z]|\\", "", line)


READERS = {
    ".c": c_prose, ".h": c_prose, ".sql": sql_prose, ".js": js_prose, ".mjs": js_prose, ".py": python_prose, ".css": css_prose,
    ".md": markdown_prose, ".8": man_prose, ".spec": hash_prose, ".sh": hash_prose, ".conf": hash_prose, ".service": hash_prose,
    ".control": hash_prose,
}


def reader(name):
    """Returns the function that reads the prose of a file, or None. The first line decides where the name has no suffix."""
    base = name.rpartition("/")[2]
    if base == "Makefile":
        return hash_prose
    if "." in base:
        return READERS.get("." + base.rpartition(".")[2])
    first = read(name).split("\n", 1)[0]
    if not first.startswith("#!"):
        return None
    return python_prose if "python" in first else hash_prose


def prose(name):
    """Yields (line, text) for the English of a file, without licence lines."""
    read_prose = reader(name)
    for number, text in read_prose(name) if read_prose else ():
        if "SPDX-License-Identifier" not in text:
            yield number, text


def prose_files():
    """Returns the files with prose of the project's own. The literals of selftest are bad on purpose."""
    ours = (name for name in files() if not name.endswith((".png", ".json", ".out", ".html")))
    return [name for name in ours if name not in ("LICENSE", "test/lint/selftest") and reader(name)]
