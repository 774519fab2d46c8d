# Runs a Flowork script in Ruby: one forked process for every call, in which it is compiled.
require 'fcntl'
require 'json'

module Flowork
  # Calls come and the harness speaks on what was descriptor 0; the process of a call closes it before the script begins.
  CONTROL = IO.for_fd(0, 'r+b', autoclose: false).dup
  $stdin.reopen(File::NULL)
  DATA = IO.for_fd(3, 'r+b', autoclose: false)
  [CONTROL, DATA].each { |way| way.sync = true }
  FRAME_MAX = 64 << 20
  NotItems = Class.new(StandardError)

  module_function

  def write(tag, body, way = DATA)
    body = body.b

    data = [body.bytesize + 1].pack('N') + tag + body
    at = 0
    at += way.syswrite(data.byteslice(at, 1 << 20)) while at < data.bytesize
  end

  def read(size)
    data = String.new(capacity: size, encoding: Encoding::BINARY)
    data << CONTROL.sysread([size - data.bytesize, 1 << 20].min) while data.bytesize < size
    data
  rescue EOFError, SystemCallError
    exit!(86)
  end

  def log(text, level = 'info')
    lines = text.to_s.encode('UTF-8', invalid: :replace, undef: :replace).scrub.split("\n")
    (lines.empty? ? [''] : lines).each { |line| write('l', "#{level} #{line}") }
    nil
  end

  def text_of(value)
    value = value.to_a if value.is_a?(Enumerator) || value.is_a?(Range)
    JSON.generate(value)
  rescue JSON::GeneratorError, JSON::NestingError, EncodingError => e
    raise NotItems, e.message
  end

  def failed(kind, message, line: nil, detail: nil, item: nil)
    detail = "…#{detail[-8192..]}" if detail && detail.length > 8192
    text = ->(value) { value&.to_s&.encode('UTF-8', invalid: :replace, undef: :replace)&.scrub }
    write('e', JSON.generate(kind: kind, message: text.(message)[0, 4096], line: line, detail: text.(detail), item: item))
  end

  def failed_with(error, item)
    return failed('memory', 'out of memory', item: item) if error.is_a?(NoMemoryError)
    return failed('result', error.message, item: item) if error.is_a?(NotItems)

    if error.is_a?(SyntaxError)
      line = error.message[/script:(\d+):/, 1]&.to_i
      return failed('syntax', error.message.lines.first.to_s.sub(/\Ascript:\d+: /, '').strip, line: line, detail: error.message, item: item)
    end
    trace = (error.backtrace || []).reject { |frame| frame.start_with?(__FILE__) }
    line = trace.filter_map { |frame| frame[/\Ascript:(\d+)/, 1] }.first&.to_i
    failed('error', "#{error.class}: #{error.message}", line: line, detail: (["#{error.class}: #{error.message}"] + trace).join("\n"), item: item)
  end

  # On one line with the code, so that its lines keep their numbers.
  def compiled(source)
    [eval("lambda { |items, item, index, vars, secrets, context| #{source}\n}", TOPLEVEL_BINDING.dup, 'script', 1), nil]
  rescue SyntaxError => e
    [nil, e]
  end

  def run(source)
    size = read(4).unpack1('N')
    call = JSON.parse(read(size).byteslice(1..).force_encoding('UTF-8'), max_nesting: 512)
    CONTROL.close
    script, broken = compiled(source)
    return failed_with(broken, nil) if broken

    Dir.chdir(call['dir'])
    srand(call['seed'])
    items, each = call['items'], call['mode'] == 'each'
    values, current = [], nil
    $flowork_output = Hash.new { |ports, name| ports[name] = [] }
    $flowork_current = nil
    begin
      begin
        (each ? items.each_index : [nil]).each do |index|
          $flowork_current = current = index
          given = script.call(items, index && items[index], index, call['vars'], call['secrets'], call['context'])
          values << text_of(given)
        end
      rescue SystemExit => e
        $stdout.flush
        return failed('exit', "status #{e.status}", item: current) unless e.success?
      end
      $stdout.flush
      $stderr.flush
      ports = $flowork_output.map { |name, given| "#{JSON.generate(name)}:[#{given.join(',')}]" }.join(',')
      body = "{\"values\":[#{values.join(',')}],\"ports\":{#{ports}}}"
      return failed('large', 'too large') if body.bytesize >= FRAME_MAX

      write('r', body)
    rescue Exception => e
      values = nil
      $stdout.flush
      failed_with(e, current)
    end
  end
end

def log(text, level = 'info') = Flowork.log(text, level)
def log_debug(text) = Flowork.log(text, 'debug')
def log_info(text) = Flowork.log(text, 'info')
def log_warn(text) = Flowork.log(text, 'warn')
def log_error(text) = Flowork.log(text, 'error')

def set_output(port, given)
  $flowork_output[port.to_s] << "[#{$flowork_current || 'null'},#{Flowork.text_of(given)}]"
  nil
end

$stdout.sync = true
$stdout.set_encoding('UTF-8')
source = File.read(File.join(__dir__, 'script'), encoding: 'UTF-8')
GC.start
# As process 2 of its own list, ending "all others" reaches this call's leftovers and nothing else.
own_list = Process.pid == 2 && Process.ppid == 1
loop do
  pid = Process.fork do
    Flowork.run(source)
    $stdout.flush
    exit!(0)
  end
  Flowork.write('y', own_list ? '' : 'once', Flowork::CONTROL)
  _, status = Process.wait2(pid)
  exit!(0) if status.exitstatus == 86
  Flowork.write('d', "#{status.exitstatus || 0} #{status.termsig || 0}", Flowork::CONTROL)
  exit!(0) unless own_list
  # Until nothing is left: a signal takes its time, and what still runs could still write.
  begin
    loop { Process.kill(:KILL, -1) }
  rescue Errno::ESRCH
    nil
  end
  # Flags of what all calls share: a call may have set them.
  [$stdout, $stderr, Flowork::DATA].each { |stream| stream.fcntl(Fcntl::F_SETFL, 0) }
end
