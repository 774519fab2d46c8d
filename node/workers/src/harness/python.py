# Runs a Flowork script in Python: compiled once, then one forked process for every call.
import ast, builtins, fcntl, gc, json, linecache, os, random, signal, struct, sys, traceback

BOOT = os.path.dirname(os.path.abspath(__file__))
DATA = 3
# Calls come and the harness speaks on what was descriptor 0; the process of a call closes it before the script begins.
CONTROL = os.dup(0)
NOTHING = os.open(os.devnull, os.O_RDWR)
os.dup2(NOTHING, 0)
os.close(NOTHING)
NAMES = ("items", "item", "index", "vars", "secrets", "context", "log", "log_debug", "log_info", "log_warn", "log_error", "set_output")
FRAME_MAX = 64 << 20


class Item(dict):
    """An item: item["json"]["x"], or shorter item.json["x"]."""
    __slots__ = ()

    @property
    def json(self):
        return self["json"]

    @property
    def files(self):
        return self["files"]


def write(tag, body, way=DATA):
    data = memoryview(struct.pack(">I", len(body) + 1) + tag + body)
    while data:
        data = data[os.write(way, data):]


def read(size):
    parts = []
    while size:
        part = os.read(CONTROL, min(size, 1 << 20))
        if not part:
            os._exit(86)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def log(text, level="info"):
    for line in str(text).splitlines() or [""]:
        write(b"l", f"{level} {line}".encode("utf-8", "replace"))


def log_debug(text): log(text, "debug")
def log_info(text): log(text, "info")
def log_warn(text): log(text, "warn")
def log_error(text): log(text, "error")


log.debug, log.info, log.warn, log.error = log_debug, log_info, log_warn, log_error


class NotItems(Exception):
    pass


def plain(value):
    if isinstance(value, (set, frozenset, range)) or hasattr(value, "__next__"):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise NotItems(f"a value of type {type(value).__name__} cannot be written as JSON")


def text_of(value):
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=plain, separators=(",", ":")).encode("utf-8", "replace")
    except NotItems:
        raise
    except (TypeError, ValueError) as error:
        raise NotItems(str(error)) from None


def fail(kind, message, line=None, detail=None, item=None):
    if detail and len(detail) > 8192:
        detail = "…" + detail[-8192:]
    body = {"kind": kind, "message": str(message)[:4096], "line": line, "detail": detail, "item": item}
    write(b"e", json.dumps(body).encode())


def compiled(source):
    """The script as a function of NAMES. Parsing allows `return` at the top; lines stay as they are."""
    tree = ast.parse(source, "script")
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg(arg=name) for name in NAMES], kwonlyargs=[], kw_defaults=[], defaults=[])
    body = tree.body or [ast.Pass()]
    function = ast.FunctionDef(name="script", args=arguments, body=body, decorator_list=[], returns=None, type_comment=None)
    if sys.version_info >= (3, 12):
        function.type_params = []
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    scope = {"__name__": "__main__", "__builtins__": builtins, "Item": Item}
    exec(compile(module, "script", "exec"), scope)
    for node in tree.body:
        # What the script imports at its top is imported once, before any call.
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
        for name in names:
            try:
                __import__(name)
            except Exception:
                pass
    return scope["script"]


def failure_of(error, item):
    if isinstance(error, MemoryError):
        return fail("memory", "out of memory", item=item)
    if isinstance(error, NotItems):
        return fail("result", error, item=item)
    line, frames = None, traceback.extract_tb(error.__traceback__)
    shown = [frame for frame in frames if frame.filename != __file__]
    for frame in shown:
        if frame.filename == "script":
            line = frame.lineno
    kind = "error"
    if isinstance(error, SyntaxError) and error.filename == "script":
        kind, line = "syntax", error.lineno
    detail = "".join(traceback.format_list(shown) + traceback.format_exception_only(type(error), error))
    message = error.msg if kind == "syntax" else f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    fail(kind, message, line, detail, item)


def run(script, broken):
    size, = struct.unpack(">I", read(4))
    call = json.loads(read(size)[1:])
    os.close(CONTROL)
    if broken is not None:
        return failure_of(broken, None)
    os.chdir(call["dir"])
    random.seed(call["seed"])
    items = [Item(item) for item in call["items"]]
    each = call["mode"] == "each"
    ports, values, current = {}, [], None

    def set_output(port, given):
        ports.setdefault(str(port), []).append(b"[%s,%s]" % (b"null" if current is None else b"%d" % current, text_of(given)))

    fixed = (call["vars"], call["secrets"], call["context"], log, log_debug, log_info, log_warn, log_error, set_output)
    try:
        try:
            for current in range(len(items)) if each else (None,):
                item = None if current is None else items[current]
                values.append(text_of(script(items, item, current, *fixed)))
        except SystemExit as stop:
            if stop.code not in (None, 0):
                sys.stdout.flush()
                message = f"status {stop.code}" if isinstance(stop.code, int) else f"the message: {stop.code}"
                return fail("exit", message, item=current)
        sys.stdout.flush()
        sys.stderr.flush()
        named = b",".join(json.dumps(name).encode() + b":[" + b",".join(given) + b"]" for name, given in ports.items())
        body = b'{"values":[' + b",".join(values) + b'],"ports":{' + named + b"}}"
        if len(body) >= FRAME_MAX:
            return fail("large", "too large")
        write(b"r", body)
    except BaseException as error:
        values.clear()
        ports.clear()
        try:
            sys.stdout.flush()
        except Exception:
            pass
        failure_of(error, current)


def end_others():
    """Until nothing is left: a signal takes its time, and what still runs could still write."""
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
    sys.stderr.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
    with open(os.path.join(BOOT, "script"), encoding="utf-8") as file:
        source = file.read()
    linecache.cache["script"] = (len(source), None, source.splitlines(True), "script")
    script = broken = None
    try:
        script = compiled(source)
    except Exception as error:
        broken = error
    gc.freeze()
    # As process 2 of its own list, ending "all others" reaches this call's leftovers and nothing else.
    own_list = os.getpid() == 2 and os.getppid() == 1
    while True:
        pid = os.fork()
        if pid == 0:
            try:
                run(script, broken)
                sys.stdout.flush()
            finally:
                os._exit(0)
        write(b"y", b"" if own_list else b"once", CONTROL)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 86:
            return
        if os.WIFSIGNALED(status):
            write(b"d", b"0 %d" % os.WTERMSIG(status), CONTROL)
        else:
            write(b"d", b"%d 0" % os.WEXITSTATUS(status), CONTROL)
        if not own_list:
            return
        end_others()
        # Flags of what all calls share: a call may have set them.
        for descriptor in (1, 2, DATA):
            fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)


main()
