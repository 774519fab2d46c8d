<?php
// Runs a Flowork script in PHP: one forked process for every call, in which it is compiled.
namespace {
function log_debug(mixed $text): void { Flowork\write_log($text, 'debug'); }
function log_info(mixed $text): void { Flowork\write_log($text, 'info'); }
function log_warn(mixed $text): void { Flowork\write_log($text, 'warn'); }
function log_error(mixed $text): void { Flowork\write_log($text, 'error'); }
function set_output(string $port, mixed $given): void { Flowork\output($port, $given); }

/** The script as a closure, in a scope without anything else; on one line with the code, so that its lines keep their numbers. */
function flowork_compile(string $source): array {
    try {
        return [eval('return static function ($items, $item, $index, $vars, $secrets, $context) { ' . $source . "\n};"), null];
    } catch (\Throwable $error) {
        return [null, $error];
    }
}
}

namespace Flowork {

const FRAME_MAX = 64 << 20;
// Calls come and the harness speaks on what was descriptor 0; the process of a call closes it before the script begins. PHP
// can close a descriptor that it was started with only where it has a name for it, and STDIN is one.
$GLOBALS['flowork'] = (object) ['control' => fopen('php://fd/0', 'r+b'), 'data' => fopen('php://fd/3', 'r+b'), 'ports' => [], 'current' => null, 'done' => false, 'in_call' => false];
stream_set_write_buffer($GLOBALS['flowork']->control, 0);
stream_set_write_buffer($GLOBALS['flowork']->data, 0);
fclose(STDIN);
$GLOBALS['flowork']->nothing = fopen('/dev/null', 'r');

class NotItems extends \Exception {}

function put(string $tag, string $body, $way = null): void {
    $way ??= $GLOBALS['flowork']->data;
    $data = pack('N', strlen($body) + 1) . $tag . $body;
    for ($at = 0; $at < strlen($data); $at += $count) {
        $count = fwrite($way, $at === 0 ? $data : substr($data, $at, 1 << 20));
        if (!$count) { leave(86); }
    }
}

function take(int $size): string {
    $data = '';
    while (strlen($data) < $size) {
        $part = fread($GLOBALS['flowork']->control, $size - strlen($data));
        if ($part === false || $part === '') { leave(86); }
        $data .= $part;
    }
    return $data;
}

/** Ends this process without the handlers that its parent set up. */
function leave(int $status): never {
    $GLOBALS['flowork']->done = true;
    exit($status);
}

function text_of(mixed $value): string {
    if ($value instanceof \Traversable && !$value instanceof \JsonSerializable) { $value = iterator_to_array($value, false); }
    try {
        return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE | JSON_PRESERVE_ZERO_FRACTION);
    } catch (\JsonException $error) {
        throw new NotItems($error->getMessage());
    }
}

function write_log(mixed $text, string $level): void {
    $text = is_scalar($text) || $text instanceof \Stringable ? (string) $text : text_of($text);
    foreach (explode("\n", $text) as $line) { put('l', "$level $line"); }
}

function output(string $port, mixed $given): void {
    $flowork = $GLOBALS['flowork'];
    $flowork->ports[$port][] = '[' . ($flowork->current ?? 'null') . ',' . text_of($given) . ']';
}

function fail(string $kind, string $message, ?int $line = null, ?string $detail = null): void {
    $flowork = $GLOBALS['flowork'];
    $flowork->done = true;
    if ($detail !== null && strlen($detail) > 8192) { $detail = '…' . substr($detail, -8192); }
    $body = ['kind' => $kind, 'message' => substr($message, 0, 4096), 'line' => $line, 'detail' => $detail, 'item' => $flowork->current];
    put('e', json_encode($body, JSON_INVALID_UTF8_SUBSTITUTE));
}

function of_script(?string $file): bool {
    return $file !== null && str_contains($file, "eval()'d code");
}

function fail_with(\Throwable $error): void {
    if ($error instanceof NotItems) { fail('result', $error->getMessage()); return; }
    $line = of_script($error->getFile()) ? $error->getLine() : null;
    foreach ($error->getTrace() as $frame) {
        $line ??= of_script($frame['file'] ?? null) ? $frame['line'] : null;
    }
    $syntax = $error instanceof \ParseError;
    $detail = get_class($error) . ': ' . $error->getMessage() . ($line ? " in script line $line" : '') . "\n";
    fail($syntax ? 'syntax' : 'error', ($syntax ? '' : get_class($error) . ': ') . $error->getMessage(), $line, $detail);
}

/** `$tag` p: counts only if this process then ends with status 0. */
function give(array $values, string $tag = 'r'): void {
    $flowork = $GLOBALS['flowork'];
    $ports = [];
    foreach ($flowork->ports as $name => $given) { $ports[] = text_of((string) $name) . ':[' . implode(',', $given) . ']'; }
    $body = '{"values":[' . implode(',', $values) . '],"ports":{' . implode(',', $ports) . '}}';
    if (strlen($body) >= FRAME_MAX) { fail('large', 'too large'); return; }
    $flowork->done = true;
    put($tag, $body);
}

/** Calls of exit and errors that PHP does not let anybody catch end here. */
function at_end(): void {
    $flowork = $GLOBALS['flowork'];
    if (!$flowork->in_call || $flowork->done) { return; }
    $error = error_get_last();
    if ($error !== null && ($error['type'] & (E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR)) !== 0) {
        $line = of_script($error['file']) ? $error['line'] : null;
        if (str_contains($error['message'], 'Allowed memory size') || str_contains($error['message'], 'Out of memory')) {
            fail('memory', 'out of memory', $line);
        } else {
            fail($error['type'] & (E_PARSE | E_COMPILE_ERROR) ? 'syntax' : 'error', explode("\n", $error['message'])[0], $line, $error['message']);
        }
        return;
    }
    give([], 'p');
}

function run(string $source): void {
    $flowork = $GLOBALS['flowork'];
    $size = unpack('N', take(4))[1];
    $call = json_decode(substr(take($size), 1), true, 512);
    $flowork->in_call = true;
    fclose($flowork->control);
    [$script, $broken] = \flowork_compile($source);
    if ($broken !== null) { fail_with($broken); return; }
    chdir($call['dir']);
    mt_srand($call['seed']);
    set_error_handler(function (int $type, string $message, string $file, int $line): bool {
        if ((error_reporting() & $type) !== 0) {
            write_log($message . (of_script($file) ? " (line $line)" : ''), 'warn');
        }
        return true;
    });
    $values = [];
    try {
        foreach ($call['mode'] === 'each' ? array_keys($call['items']) : [null] as $index) {
            $flowork->current = $index;
            $item = $index === null ? null : $call['items'][$index];
            $values[] = text_of($script($call['items'], $item, $index, $call['vars'], $call['secrets'], $call['context']));
        }
        fflush(STDOUT);
        give($values);
    } catch (\Throwable $error) {
        $values = [];
        fail_with($error);
    }
}

register_shutdown_function('Flowork\at_end');
error_reporting(E_ALL);
$source = file_get_contents(__DIR__ . '/script');
// An opening tag is a habit, not part of the code.
$source = preg_replace('/\A\s*<\?php\b/', '', $source, 1);
$own_list = function_exists('posix_kill') && getmypid() === 2 && posix_getppid() === 1;
$forks = function_exists('pcntl_fork');
$flowork = $GLOBALS['flowork'];
while (true) {
    if (!$forks) {
        // Without pcntl this process serves one call; the host has the next one ready.
        put('y', 'once', $flowork->control);
        run($source);
        exit(0);
    }
    $pid = pcntl_fork();
    if ($pid === 0) {
        run($source);
        exit(0);
    }
    put('y', $own_list ? '' : 'once', $flowork->control);
    pcntl_waitpid($pid, $status);
    $code = pcntl_wifexited($status) ? pcntl_wexitstatus($status) : 0;
    if ($code === 86) { exit(0); }
    put('d', $code . ' ' . (pcntl_wifsignaled($status) ? pcntl_wtermsig($status) : 0), $flowork->control);
    if (!$own_list) { exit(0); }
    // As process 2 of its own list, ending "all others" reaches this call's leftovers and nothing else.
    // Until nothing is left: a signal takes its time, and what still runs could still write.
    while (posix_kill(-1, 9)) {}
    // Flags of what all calls share: a call may have set them.
    foreach ([STDOUT, STDERR, $flowork->data] as $stream) { stream_set_blocking($stream, true); }
}
}
