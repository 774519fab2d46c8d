# Runs a Flowork script in Perl: one forked process for every call, in which it is compiled. Code that runs while it is
# compiled (BEGIN, use) so has no more than the rest of the script.
package main;
sub Flowork::compile { eval $_[0] }
package Flowork;
use strict;
use warnings;
use File::Basename ();
use Fcntl ();
use feature ();
use POSIX ();

my $codec = eval { require Cpanel::JSON::XS; Cpanel::JSON::XS->new } || eval { require JSON::XS; JSON::XS->new }
    || do { require JSON::PP; JSON::PP->new };
$codec->utf8->allow_nonref->allow_blessed->convert_blessed;
our ($CONTROL, $DATA, %PORTS, $CURRENT, $CALL, $EACH, $DONE);
# Calls come and the harness speaks on what was descriptor 0; the process of a call closes it before the script begins.
open($CONTROL, '+<&', \*STDIN) or die "no channel: $!";
open(STDIN, '<', '/dev/null') or die "no /dev/null: $!";
open($DATA, '+<&=', 3) or die "no channel: $!";
binmode $_ for $CONTROL, $DATA;

sub put {
    my ($tag, $body, $way) = @_;
    $way //= $DATA;
    my $data = pack('N', length($body) + 1) . $tag . $body;
    my $at = 0;
    while ($at < length $data) {
        my $count = syswrite $way, $data, length($data) - $at, $at;
        next if !defined $count && $!{EINTR};
        POSIX::_exit(86) unless $count;
        $at += $count;
    }
}

sub take {
    my ($size) = @_;
    my $data = '';
    while (length $data < $size) {
        my $count = sysread $CONTROL, $data, $size - length $data, length $data;
        next if !defined $count && $!{EINTR};
        POSIX::_exit(86) unless $count;
    }
    return $data;
}

sub write_log {
    my ($level, $text) = @_;
    $text = defined $text ? "$text" : '';
    utf8::encode($text) if utf8::is_utf8($text);
    put('l', "$level $_") for split /\n/, length $text ? $text : ' ';
    return;
}

sub say_log   { write_log($_[1] // 'info', $_[0]); return }
sub log_debug { write_log('debug', $_[0]); return }
sub log_info  { write_log('info',  $_[0]); return }
sub log_warn  { write_log('warn',  $_[0]); return }
sub log_error { write_log('error', $_[0]); return }

sub text_of {
    my ($value) = @_;
    my $text = eval { $codec->encode($value) };
    die bless { kind => 'result', message => "$@" }, 'Flowork::Fail' unless defined $text;
    return $text;
}

sub set_output {
    my ($port, @given) = @_;
    my $value = @given == 1 ? $given[0] : \@given;
    push @{ $PORTS{$port} }, '[' . ($CURRENT // 'null') . ',' . text_of($value) . ']';
    return;
}

sub fail {
    my (%body) = @_;
    $body{message} = substr $body{message}, 0, 4096;
    $body{item} = $CURRENT + 0 if defined $CURRENT;
    $DONE = 1;
    put('e', $codec->encode(\%body));
}

sub fail_of {
    my ($error) = @_;
    if (ref $error && eval { $error->isa('Flowork::Fail') }) {
        return fail(kind => $error->{kind}, message => $error->{message});
    }
    my $text = "$error";
    my ($line) = $text =~ /at script line (\d+)/;
    (my $message = $text) =~ s/ at script line \d+\.?\s*\z//;
    fail(kind => 'error', message => $message, line => defined $line ? $line + 0 : undef, detail => $text);
}

sub give {
    my (@values) = @_;
    my $body = '{"values":[' . join(',', @values) . '],"ports":{'
        . join(',', map { text_of($_) . ':[' . join(',', @{ $PORTS{$_} }) . ']' } sort keys %PORTS) . '}}';
    return fail(kind => 'large', message => 'too large') if length $body >= 64 << 20;
    $DONE = 1;
    put('r', $body);
}

sub run {
    my ($source) = @_;
    my $size = unpack 'N', take(4);
    $CALL = $codec->decode(substr take($size), 1);
    close $CONTROL;
    my $script = compile($source);
    my $broken = $script ? undef : $@;
    if (defined $broken) {
        my ($line) = $broken =~ /at script line (\d+)/;
        return fail(kind => 'syntax', message => (split /\n/, $broken)[0], line => defined $line ? $line + 0 : undef, detail => $broken);
    }
    chdir $CALL->{dir};
    srand $CALL->{seed};
    $EACH = $CALL->{mode} eq 'each';
    my ($items, @values) = ($CALL->{items});
    my $one = sub {
        my ($item) = @_;
        my @given = $script->($items, $item, $CURRENT, $CALL->{vars}, $CALL->{secrets}, $CALL->{context});
        push @values, text_of(@given > 1 ? \@given : $given[0]);
    };
    eval {
        if ($EACH) {
            for my $index (0 .. $#$items) { $CURRENT = $index; $one->($items->[$index]) }
        } else {
            $one->(undef);
        }
        1;
    } or do {
        my $error = $@;
        flush();
        return fail_of($error);
    };
    flush();
    give(@values);
}

sub flush { STDOUT->flush; STDERR->flush }

# A script that calls exit gives what it has given so far, or fails by its status.
my $in_call;
END {
    if ($in_call && !$DONE) {
        my $status = $?;
        flush();
        $status ? fail(kind => 'exit', message => "status $status") : give();
        $? = 0;
    }
}

BEGIN {
    # From another package, so that Perl takes it as an import: that is how its own `log` may be replaced.
    no strict 'refs';
    *{'main::log'} = \&say_log;
    *{"main::$_"}  = \&{$_} for qw(log_debug log_info log_warn log_error set_output);
}

package main;
use utf8;
binmode STDOUT, ':encoding(UTF-8)';
binmode STDERR, ':encoding(UTF-8)';
STDOUT->autoflush(1);

my $boot_folder = File::Basename::dirname(__FILE__);
my $source = do {
    open my $file, '<:encoding(UTF-8)', "$boot_folder/script" or die "no script: $!";
    local $/;
    <$file>;
};
# One line before the code, so that its lines keep their numbers.
my $compiled = "use utf8; use strict; use warnings; use feature qw(say state); sub { my (\$items, \$item, \$index, \$vars, \$secrets, \$context) = \@_;\n#line 1 \"script\"\n$source\n}";
# What the script uses of the system's modules is loaded once, before any call.
while ($source =~ /^\s*use\s+([A-Z]\w*(?:::\w+)*)/mg) {
    (my $path = "$1.pm") =~ s{::}{/}g;
    eval { require $path };
}
# As process 2 of its own list, ending "all others" reaches this call's leftovers and nothing else.
my $own_list = $$ == 2 && getppid() == 1;
while (1) {
    my $pid = fork;
    die "no process: $!" unless defined $pid;
    if ($pid == 0) {
        $in_call = 1;
        Flowork::run($compiled);
        POSIX::_exit(0);
    }
    Flowork::put('y', $own_list ? '' : 'once', $Flowork::CONTROL);
    waitpid $pid, 0;
    my ($code, $signal) = ($? >> 8, $? & 127);
    POSIX::_exit(0) if $code == 86;
    Flowork::put('d', "$code $signal", $Flowork::CONTROL);
    POSIX::_exit(0) unless $own_list;
    # Until nothing is left: a signal takes its time, and what still runs could still write.
    1 while kill 'KILL', -1;
    # Flags of what all calls share: a call may have set them.
    fcntl $_, Fcntl::F_SETFL(), 0 for *STDOUT, *STDERR, $Flowork::DATA;
}
