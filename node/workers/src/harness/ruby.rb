# Runs a Flowork script in Ruby: compiled once, then one forked process for every call.
require 'json'

module Flowork
  CHANNEL = IO.for_fd(3, 'r+b', autoclose: false)
  CHANNEL.sync = true
  FRAME_MAX = 64 << 20
  NotItems = Class.new(StandardError)

  module_function

  def write(tag, body)
    body = body.b
    CHANNEL.syswrite([body.bytesize + 1].pack('N') + tag + body) if body.bytesize < 65_536
    return if body.bytesize < 65_536

    data = [body.bytesize + 1].pack('N') + tag + body
    at = 0
    at += CHANNEL.syswrite(data.byteslice(at, 1 << 20)) while at < data.bytesize
  end

  def read(size)
    data = String.new(capacity: size, encoding: Encoding::BINARY)
    data << CHANNEL.sysread([size - data.bytesize, 1 << 20].min) while data.bytesize < size
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

  def run(script, broken)
    size = read(4).unpack1('N')
    call = JSON.parse(read(size).byteslice(1..).force_encoding('UTF-8'), max_nesting: 512)
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
script = broken = nil
begin
  # On one line with the code, so that its lines keep their numbers.
  script = eval("lambda { |items, item, index, vars, secrets, context| #{source}\n}", TOPLEVEL_BINDING.dup, 'script', 1)
rescue SyntaxError => e
  broken = e
end
GC.start
# As process 2 of its own list, ending "all others" reaches this call's leftovers and nothing else.
own_list = Process.pid == 2 && Process.ppid == 1
loop do
  pid = Process.fork do
    Flowork.run(script, broken)
    $stdout.flush
    exit!(0)
  end
  Flowork.write('y', own_list ? '' : 'once')
  _, status = Process.wait2(pid)
  exit!(0) if status.exitstatus == 86
  Flowork.write('d', "#{status.exitstatus || 0} #{status.termsig || 0}")
  exit!(0) unless own_list
  begin
    Process.kill(:KILL, -1)
  rescue Errno::ESRCH
    nil
  end
end
