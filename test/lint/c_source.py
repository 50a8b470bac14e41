"""c_source.py: functions and variables of a C file in PostgreSQL's layout. Imported, never run."""
import re
from typing import NamedTuple

from tree import files, read

PROGRAMS = ("extension", "bridge")
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
FUNCTION = re.compile(r"^([a-z_]\w*)\(")
NAME = re.compile(r"\(\s*\*\s*(?:const\s+)?(\w+)|(\w+)\s*(?:\[|$)")


class Function(NamedTuple):
    name: str
    line: int
    length: int
    static: bool


class Variable(NamedTuple):
    name: str
    line: int
    static: bool
    mutable: bool


def program_files(program):
    return files(f"{program}/*.c", f"{program}/*.h")


def blank(text):
    """Returns the text without comments and without the contents of literals; line numbers stay."""

    def replace(match):
        token = match.group()
        return token[0] * 2 if token[0] in "\"'" else " " + "\n" * token.count("\n")

    return TOKEN.sub(replace, text)


def code_lines(name):
    """Returns the lines of a file that hold code, without their comments."""
    return [line for line in blank(read(name)).splitlines() if line.strip()]


def functions(name):
    """Yields the functions that a file defines: the name and the closing brace stand in column 1."""
    lines = blank(read(name)).splitlines()
    begun = None
    for number, line in enumerate(lines):
        if FUNCTION.match(line) and not line.rstrip().endswith(";"):
            begun = FUNCTION.match(line).group(1), number
        elif line.startswith("}") and begun:
            static = bool(re.match(r"static\b", lines[begun[1] - 1]))
            yield Function(begun[0], begun[1] + 1, number - begun[1] + 1, static)
            begun = None


def declarations(text):
    """Yields (line, declaration) at file scope. Braces lose their contents; bodies of functions are left out."""
    depth, line, start, chunk = 0, 1, 1, ""
    for letter in DIRECTIVE.sub(lambda m: "\n" * m.group().count("\n"), blank(text)):
        line += letter == "\n"
        if not chunk.strip():
            start, chunk = line, ""
        if letter == "{":
            depth += 1
            if depth == 1:
                body = chunk.rstrip().endswith(")")
                chunk += "{}"
        elif letter == "}":
            depth -= 1
            if depth == 0 and body:
                chunk = ""
        elif depth == 0 and letter == ";":
            yield start, " ".join(chunk.split())
            chunk = ""
        elif depth == 0:
            chunk += letter


def is_constant(declarator):
    """Says whether the variable itself is const; a pointer to const data is not."""
    after_pointer = declarator.rpartition("*")[2]
    return bool(re.search(r"\bconst\b", after_pointer if "*" in declarator else declarator))


def variables(name):
    """Yields the variables that a file defines at file scope."""
    for line, declaration in declarations(read(name)):
        head = declaration.split("=")[0].strip()
        if re.match(r"(typedef|extern|_Static_assert|static_assert)\b", head) or " " not in head:
            continue
        if re.search(r"^[^(]*\((?!\s*\*)", head) or re.fullmatch(r"(static )?(struct|union|enum)( \w+)?( \{\})?", head):
            continue
        parts = [head] if "(" in head else re.sub(r"=[^,]*", "", declaration).split(",")
        base = re.sub(r"\*.*|\w+\s*(\[.*)?$", "", parts[0].strip())
        for part in [parts[0], *(base + part for part in parts[1:])]:
            found = NAME.search(part.strip())
            if found:
                static = declaration.startswith("static ")
                yield Variable(found.group(1) or found.group(2), line, static, not is_constant(part))
