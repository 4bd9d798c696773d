#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# abswitchctl against a real manager: every command, what it prints, what it ends with.

use v5.36;
use utf8;
use Encode qw(encode_utf8);
use JSON::PP;
use Test::More;
use ABSwitch::Client;
use ABSwitch::Ctl;
use ABSwitch::FakeServer;
use ABSwitch::Host qw(repo run slurp which);
use ABSwitch::Manager;
use ABSwitch::Site;
use ABSwitch::TempDir;
use ABSwitch::Wait;

my $site = ABSwitch::Site->new(
    app => 'ABSwitchLogout /logout',
    ABSwitch::Manager->private(<<'CONF'),
<Location /forbidden>
    SetHandler abswitch-manager
    Require all denied
</Location>
<ABSwitch wiki>
    ABSwitchLaunchpad /wiki
    ABSwitchSide old /wiki/old
    ABSwitchSide new /wiki/new
</ABSwitch>
CONF
);
ABSwitch::Manager->users($site, qw(alice bob));
$site->start;
my $ctl = ABSwitch::Ctl->new(url => $site->origin . '/abswitch-manager');
my $alice = ABSwitch::Ctl->new(url => $site->origin . '/private', args => ['--user', 'alice:password']);
my $TIME = qr/(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/;

my @COMMANDS = qw(status flip weights rollback close reopen wait watch log retire check);

sub generation () { return $site->status->{switch}{generation} }

# With a session that is counted, and no request that is still in flight.
sub arrive () {
    my $browser = $site->browser;
    $browser->type_in('/contact');
    $browser->follow;
    poll(5, sub { !grep { $_->{in_flight} } $site->status->{sides}->@* });
    return $browser;
}

# The table's rows as hashes by side: what stands between two spaces or more.
sub table ($text, $app = 'contact') {
    my ($block) = $text =~ /^\Q$app\E  (.*?)(?=^\S|\z)/ms;
    my ($head, @rows) = grep { /^  (?:side|\w+ {2,}(?:open|draining|closed) )/ } split /\n/, $block;
    my @names = map { s/\A | \z//gr } split / {2,}/, $head =~ s/\A +//r;
    my %side;
    for my $row (@rows) {
        my @cells = split / {2,}/, $row =~ s/\A +//r;
        $side{ $cells[0] } = { map { $names[$_] => $cells[$_] } 0 .. $#names };
    }
    return \%side;
}

subtest 'help' => sub {
    my $r = $ctl->run('--help');
    ends $r, 0, out => qr/^usage: abswitchctl/, '--help';
    like $r->{out}, qr/^  \Q$_\E /m, "it lists $_" for @COMMANDS;
    unlike $r->{out}, qr/^  names/m, 'and not what is not for people';
    is_deeply [grep { length > 80 } split /\n/, $r->{out}], [], 'no line is longer than a terminal is wide';
    is $ctl->run('help')->{out}, $r->{out}, 'help is the same';
    is $ctl->run('-h')->{out}, $r->{out}, 'so is -h';
    for my $command (@COMMANDS) {
        my $help = $ctl->run($command, '--help');
        ends $help, 0, out => qr/^usage: abswitchctl \[OPTION\.\.\.\] $command\b/, "$command --help";
        is $ctl->run('help', $command)->{out}, $help->{out}, "help $command";
        is_deeply [grep { length > 80 } split /\n/, $help->{out}], [], 'no long line';
    }
    ends $ctl->run('--version'), 0, out => qr/\Aabswitchctl \d+\.\d+\.\d+\n\z/, '--version';
    my ($module) = $site->client->get('/abswitch-status?auto')->body =~ /^module: (.*)/m;
    is $ctl->run('-V')->{out}, "abswitchctl $module\n", 'the version is the module\'s';
};

subtest 'usage' => sub {
    my @rows = (
        [], ['bogus'], ['help', 'bogus'], ['--bogus'], ['status', '--bogus'], ['status', '-x'], ['status', 'a', 'b'],
        ['flip'], ['flip', 'contact'], ['flip', 'contact', 'B', 'C'], ['weights', 'contact'], ['rollback'],
            ['wait', 'a'],
        ['weights', 'contact', 'A'], ['weights', 'contact', 'A='], ['weights', 'contact', 'A=-1'],
        ['weights', 'contact', 'A=1000001'], ['weights', 'contact', 'A=0', 'B=0'], ['weights', 'contact', 'A=1', 'A=2'],
        ['weights', 'contact', '=1'], ['status', '--note', 'x'], ['wait', 'contact', 'A', '--timeout', 'soon'],
        ['status', '--user', 'alice', '--netrc'], ['status', '--url', 'ftp://localhost/'],
            ['status', '--url', 'http://['],
        ['status', '--cacert', '/nowhere/ca.pem'], ['flip', 'contact', 'B', '--note', 'x' x 201],
        ['flip', 'contact', 'B', '--note', "\e[31m"], ['retire', 'contact'], ['log'], ['status', '--timeout', '0'],
    );
    for my $row (@rows) {
        my $name = join(' ', @$row) =~ s/\e/ESC/r;
        ends $ctl->run(@$row), 2, err => qr/\Aabswitchctl: [ -~]+\n\z/, "one sentence: $name";
    }
    ends $ctl->run('check'), 3, out => qr/\AABSWITCH UNKNOWN - usage: .*\n\z/, 'check has its own exit statuses';
    ends $ctl->run('check', 'contact', '-w', 'x'), 3, out => qr/\AABSWITCH UNKNOWN - -w: .*\n\z/, 'for each error';
    is generation(), 0, 'nothing was done';
};

subtest 'where the manager is' => sub {
    my $url = $site->origin . '/abswitch-manager';
    my $bare = $ctl->with(url => undef);
    ends $bare->with(env => { ABSWITCH_URL => $url })->run('status', 'contact'), 0, out => qr/^contact/,
        '$ABSWITCH_URL';
    ends $bare->with(env => { ABSWITCH_URL => 'http://127.0.0.1:1/' })->run('status', '--url', $url), 0,
        out => qr/^contact/, '--url comes before it';
    ends $bare->run("--url=$url", 'status'), 0, out => qr/^contact/, '--url=URL';
    ends $bare->run('status', '--url', $url =~ s{http://}{}r), 0, out => qr/^contact/, 'without a scheme';
    ends $bare->run('status', '--url', "$url?x=1#y"), 0, out => qr/^contact/, 'with a query of its own';
    ends $bare->with(env => { http_proxy => 'http://127.0.0.1:1/' })->run('status', '--url', $url), 0,
        out => qr/^contact/, 'no proxy is asked for this machine';
};

my $anna = arrive();

subtest 'status' => sub {
    my $r = $ctl->run('status');
    ends $r, 0, out => qr{^contact  /contact  generation 0\n.*^wiki  /wiki  generation 0\n.*^store: local, up\n\z}ms,
        'the applications, and the store';
    my $sides = table($r->{out});
    is_deeply $sides->{A}, {
        side => 'A', state => 'open', weight => 1, sessions => 1, 'in flight' => 0, testers => 0, drain => '-',
        'closes at' => '-', 'empty if idle' => $sides->{A}{'empty if idle'}, path => '/contact/A',
    }, 'a side';
    is_deeply [sort keys table($r->{out}, 'wiki')->%*], [qw(new old)], 'those of another application';
    unlike $ctl->run('status', 'wiki')->{out}, qr{/contact}, 'one application';
    like $r->{out}, qr/^  nodes: 1 live$/m, 'the nodes';
    unlike $r->{out}, qr/[^\n -~]/, 'no escape sequence in a file';

    my $json = decode_json $ctl->run('status', 'contact', '--json')->{out};
    my $own = $site->client->get('/abswitch-status?format=json&app=contact')->json;
    is_deeply [sort keys %$json], [sort keys %$own], '--json has what the server says, less its key';
    is_deeply [sort keys $json->{apps}[0]->%*], [sort keys $own->{apps}[0]->%*], 'of an application too';
    is_deeply $json->{apps}[0]{sides}, $own->{apps}[0]{sides}, 'with the same values';
    ends $ctl->run('status', 'nope'), 1,
        err => qr/\Aabswitchctl: there is no application "nope"; there are: contact, wiki\n\z/,
        'an unknown application';
    ends $ctl->run('status', 'a b&c='), 1, err => qr/no application "a b&c="/, 'with a name that must be encoded';
    ends $ctl->run('status', "x\e[2J\xff"), 1, err => qr/no application "x\?\[2J\?"/, 'or made harmless';
    is_deeply decode_json($ctl->run('status', 'nope', '--json')->{out}),
        { ok => JSON::PP::false, exit => 1, error => 'there is no application "nope"; there are: contact, wiki' },
        'as JSON';
};

subtest 'changes' => sub {
    ends $ctl->run('log', 'contact'), 0, out => "contact: no flip yet\n", 'log: none';
    ends $ctl->run('rollback', 'contact'), 1, err => qr/\Aabswitchctl: \w.*\n\z/, 'nothing to roll back to';
    ends $ctl->run('flip', 'contact', 'B', '--note', encode_utf8('Version 2 für alle')), 0,
        out => qr/\Acontact: generation 1; new sessions land on B; 1 session stays on A until $TIME at the latest\n\z/,
        'flip says what it did';
    is_deeply [$site->status->{switch}->@{qw(generation note by)}], [1, 'Version 2 für alle', '127.0.0.1'],
        'it did it';
    ends $ctl->run('flip', 'contact', 'B'), 1, err => qr/\Aabswitchctl: nothing would change/, 'the same again';
    is table($ctl->run('status')->{out})->{A}{drain}, 'draining', 'status says so';
    ends $ctl->run('weights', 'contact', 'A=75', 'B=25'), 0,
        out => "contact: generation 2; new sessions land on A (75 %) and B (25 %)\n", 'weights';
    ends $ctl->run('weights', 'contact', 'A=1 B=999'), 0,
        out => "contact: generation 3; new sessions land on A (under 1 %) and B (over 99 %)\n", 'in one word';
    is_deeply $site->status->{switch}{weights}, { A => 1, B => 999 }, 'they are those';
    ends $ctl->run('rollback', 'contact'), 0, out => qr/generation 4; new sessions land on A \(75 %\)/, 'rollback';
    ends $ctl->run('--note=gently', 'rollback', 'contact'), 0, out => qr/generation 5;/, 'and forth again';
    is $site->status->{switch}{note}, 'gently', 'an option before the command';
    ends $ctl->run('flip', 'contact', 'B'), 0, out => qr/generation 6;/, 'flip';
    ends $ctl->run('close', 'contact', 'A'), 0,
        out => "contact: generation 7; new sessions land on B; A is closed\n", 'close';
    ends $ctl->run('close', 'contact', 'B'), 1, err => qr/no side would be open/, 'but not the only open side';
    ends $ctl->run('reopen', 'contact', 'A'), 0,
        out => qr/generation 8; new sessions land on B; \d+ sessions? stays? on A|nobody is on A/,
        'reopen';
    ends $ctl->run('reopen', 'contact', 'A'), 1, err => qr/not closed/, 'one that is not closed';
    ends $ctl->run('flip', 'contact', 'C'), 1, err => qr/\Aabswitchctl: contact has no side "C"; there are: A, B\n\z/,
        'an unknown side';
    ends $ctl->run('weights', 'contact', 'A=1', 'C=1'), 1, err => qr/no side "C"/, 'in weights';
    ends $ctl->run('flip', 'nope', 'A'), 1, err => qr/no application "nope"/, 'an unknown application';
    ends $ctl->run('retire', 'contact', 'web9:80'), 1, err => qr/contact has no node "web9:80"/, 'an unknown node';
    my ($me) = map { $_->{node} } $site->status->{nodes}->@*;
    ends $ctl->run('retire', 'contact', $me), 1, err => qr/\Aabswitchctl: \w.*\n\z/, 'a live node';
    is generation(), 8, 'what was refused changed nothing';
    is_deeply decode_json($ctl->run('flip', 'contact', 'A', '--json')->{out}),
        { ok => JSON::PP::true, app => 'contact', generation => 9, everywhere => JSON::PP::true }, '--json';
    my $r = $ctl->run('flip', 'contact', 'A', '--json');
    is_deeply [$r->{exit}, decode_json($r->{out})->@{qw(ok exit)}], [1, JSON::PP::false, 1], 'a refusal in --json';
    ends $ctl->with(url => $site->origin . '/abswitch-status')->run('flip', 'contact', 'B'), 1,
        err => qr/is a status page, which changes nothing/, 'the wrong page';
    ends $ctl->with(url => $site->origin . '/abswitch-status')->run('status'), 0, out => qr/^contact/,
        'which can be read';
};

subtest 'log' => sub {
    my $r = $ctl->run('log', 'contact');
    ends $r, 0, out => qr/\Ageneration +when +who +from +to +note\n/, 'a table';
    my @lines = split /\n/, $r->{out};
    like $lines[1], qr/\A +9  $TIME  127\.0\.0\.1  A=0 B=1 +A=1 B=0\z/, 'newest first: who, when, from, to';
    like $lines[-1], qr/\A +1  $TIME  127\.0\.0\.1  A=1 B=0 +A=0 B=1 +\Q${\ encode_utf8('Version 2 für alle')}\E\z/,
        'and why';
    like $lines[2], qr/\(close or reopen\)/, 'what changed no weight';
    is_deeply [map { $_->{generation} } decode_json($ctl->run('log', 'contact', '--json')->{out})->@*],
        [reverse 1 .. 9], '--json';
    ends $ctl->run('log', 'nope'), 1, err => qr/no application/, 'an unknown application';
};

subtest 'who was first' => sub {
    # Between the question and the order somebody else flips.
    my $other = ABSwitch::Ctl->new(url => $site->origin . '/private', args => ['--user', 'bob:password']);
    my $flipped = temp_dir('flipped') . '/done';
    my $between = ABSwitch::FakeServer->new(sub ($request) {
        if ($request =~ /\APOST/ && !-e $flipped) {
            $other->run('weights', 'contact', 'A=3', 'B=1', '--note', 'sorry');
            open my $file, '>', $flipped;
        }
        return ABSwitch::Client->new(port => $site->port)->raw($request =~ s/\r\n/\r\nConnection: close\r\n/r)->raw;
    });
    my $late = ABSwitch::Ctl->new(url => $between->url('/private'), args => ['--user', 'alice:password']);
    my $before = generation();
    my $what = qr/generation @{[$before + 1]} by bob at $TIME: new sessions land on A \(75 %\) and B \(25 %\) \(sorry\)/;
    ends $late->run('flip', 'contact', 'B'), 1,
        err => qr/\Aabswitchctl: contact was changed meanwhile, to $what; nothing was done now: [ -~]+\n\z/,
        'is told, with what they did';
    is generation(), $before + 1, 'and nothing is tried again';
    ends $late->run('flip', 'contact', 'B'), 0, out => qr/^contact: generation @{[$before + 2]};/, 'unless you do';
    is $site->status->{switch}{by}, 'alice', 'by name';
};

subtest 'logging in' => sub {
    my $url = $site->origin . '/private';
    $site->expect_log(qr/AH01617|AH01630/);
    my $none = ABSwitch::Ctl->new(url => $url);
    ends $none->run('status'), 1, err => qr/wants a login \(401\): give --user NAME or --netrc\n/, 'none';
    ends $none->run('status', '--user', 'alice:wrong'), 1, err => qr/does not accept this name and password \(401\)/,
        'a wrong one';
    ends $none->run('flip', 'contact', 'B', '--user', 'alice:wrong'), 1, err => qr/401/, 'for a change';
    ends $none->run('status', '--user', 'alice:password'), 0, out => qr/^contact/, 'the right one';
    ends $none->run('check', 'contact'), 3, out => qr/\AABSWITCH UNKNOWN - .*401/, 'check';
    ends $ctl->with(url => $site->origin . '/forbidden')->run('status'), 1, err => qr/forbidden from here \(403\)/,
        'an address';
    ends $none->with(url => $url =~ s{//}{//alice:password@}r)->run('status'), 0, out => qr/^contact/, 'in the URL';
    my $r = $none->with(url => $url =~ s{//}{//alice:secret@}r)->run('status');
    ends $r, 1, err => qr/does not accept this name and password/, 'a wrong one in the URL';
    unlike $r->{err}, qr/secret/, 'is not shown';

    my $home = temp_dir('home');
    my $netrc = "$home/.netrc";
    open my $file, '>', $netrc or die $!;
    print {$file} "machine 127.0.0.1 login alice password password\n";
    close $file;
    ends $none->with(env => { HOME => $home })->run('status', '--netrc'), 0, out => qr/^contact/, '~/.netrc';
    ends $none->with(env => { HOME => $home })->run('status'), 1, err => qr/401/, 'is asked only if it is wanted';
    ends $none->run('status', '--netrc'), 1, err => qr/the login of ~\/\.netrc, or there is none .*\(401\)/, 'and may not be there';
    ends $none->run('status', '--user', 'alice'), 2, err => qr/there is no password for alice/, 'nobody to ask';

    my $p = $none->terminal('status', '--user', 'alice');
    $p->until(qr/\QPassword of alice for $url: \E/, 'a terminal is asked');
    $p->type("password\n");
    $r = $p->end;
    is $r->{exit}, 0, 'and answers';
    like $r->{out}, qr/contact/, 'right';
    unlike $r->{out}, qr/: password/, 'unseen';
    $p = $none->terminal('status', '--user', 'alice');
    $p->until(qr/Password of alice/, 'a terminal is asked again');
    $p->type("\x03");
    is $p->end->{exit}, 130, 'Ctrl-C ends it';

    my $quiet = ABSwitch::FakeServer->new(sub ($request) { return undef });
    for my $args (['--user', 'alice:secret'], ['--user=alice:secret'],
        ['--url', 'http://alice:secret@' . $quiet->url =~ s{.*/}{}r]) {
        my $hangs = ABSwitch::Ctl->new(url => $quiet->url)->start('status', @$args);
        wait_for "the password to leave the list of processes: $args->[0]", 5, sub {
            $_ = slurp('/proc/' . $hangs->pid . '/cmdline');
            /abswitchctl.*alice/s && !/secret/;
        };
        $hangs->signal('TERM');
        $hangs->end;
    }
};

subtest 'check' => sub {
    $ctl->run('flip', 'contact', 'B');
    my $left = $site->side('A')->{sessions};
    $anna = arrive() if !$left;
    $ctl->run('flip', 'contact', 'A');
    arrive();
    $ctl->run('flip', 'contact', 'B');
    wait_for 'the count', 5, sub { $_ = $left = $site->side('A')->{sessions} };
    my $data = qr/ \| contact_A=$left contact_B=\d+\n\z/;
    ends $ctl->run('check', 'contact'), 0,
        out => qr/\AABSWITCH OK - contact: A draining, $left sessions?; B open, \d+ sessions?$data/,
        'OK';
    ends $ctl->run('check', 'contact', '-w', $left, '-c', $left), 0, out => qr/ OK /, 'not more than N';
    ends $ctl->run('check', 'contact', '-w', $left - 1), 1, out => qr/\AABSWITCH WARNING - .*$data/, 'more than -w';
    ends $ctl->run('check', 'contact', '-w0', '-c' . ($left - 1)), 2, out => qr/\AABSWITCH CRITICAL - .*$data/,
        'more than -c';
    ends $ctl->run('check', 'nope', '-w0'), 3, out => qr/\AABSWITCH UNKNOWN - there is no application "nope"/,
        'an unknown application';
    ends $ctl->with(url => 'http://127.0.0.1:1/')->run('check', 'contact'), 3,
        out => qr/\AABSWITCH UNKNOWN - .* cannot be reached: .*\n\z/,
        'nobody answers';
    my $json = decode_json $ctl->run('check', 'contact', '-w', $left - 1, '--json')->{out};
    is_deeply [$json->@{qw(status exit)}], ['WARNING', 1], '--json';
};

subtest 'output' => sub {
    ends $ctl->run('status', '--', 'contact'), 0, out => qr/^contact/, '"--" ends the options';
    my $r = $ctl->terminal('status')->end;
    like $r->{out}, qr/\e\[32mopen\e\[0m/, 'colour on a terminal';
    unlike $ctl->with(env => { NO_COLOR => 1 })->terminal('status')->end->{out}, qr/\e/, 'not with NO_COLOR';
    unlike $ctl->with(env => { TERM => 'dumb' })->terminal('status')->end->{out}, qr/\e/, 'nor on a dumb one';
    my ($exit, $output) = run('sh', '-c', '"$0" --url "$1" status > /dev/full', repo('build/abswitchctl'), $ctl->{url});
    is $exit, 1, 'a full disk is a failure';
    like $output, qr/could not be written: No space left/, 'that is told';
    my $line = '"$0" --url "$1" status | true; echo ${PIPESTATUS[0]}';
    ($exit, $output) = run('bash', '-c', $line, repo('build/abswitchctl'), $ctl->{url});
    like $output, qr/\A[01]\n\z/, 'a reader that leaves is no error message';
};

subtest 'under valgrind' => sub {
    plan skip_all => 'there is no valgrind' if !which('valgrind');
    plan skip_all => 'under sanitizers' if $ENV{ASAN_OPTIONS};
    my @wrap = qw(valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite);
    my $slow = $ctl->with(wrap => \@wrap, deadline => 60);
    my %exit = (
        'status' => 0, 'flip wiki new' => 0, 'log contact --json' => 0, 'wait contact A --timeout 0' => 3,
        'flip x y' => 1,
        'check contact' => 0, 'status --bogus' => 2,
    );
    my %process = map { $_ => $slow->start(split / /) } keys %exit;
    for my $command (sort keys %exit) {
        my $r = $process{$command}->end;
        is $r->{exit}, $exit{$command}, $command;
        unlike $r->{err}, qr/^==/m, 'nothing to complain of';
    }
};

subtest 'the manual' => sub {
    plan skip_all => 'there is no mandoc' if !which('mandoc');
    my $page = repo('docs/abswitchctl.1');
    my ($exit, $output) = run('mandoc', '-Tlint', '-Wwarning', $page);
    is "$exit$output", 0, 'mandoc has nothing to say against the man page';
    (undef, my $text) = run('mandoc', '-Tascii', $page);
    $text =~ s/.\x08//g;
    like $text, qr/^ +\Q$_\E\b/m, "it tells of $_" for @COMMANDS;
    my @options = $ctl->run('help')->{out} =~ /(--[a-z-]+)/g;
    push @options, $ctl->run($_, '--help')->{out} =~ /(--(?!help)[a-z-]+)/g for @COMMANDS;
    my $completion = slurp(repo('conf/abswitchctl.bash-completion'));
    my $statuses = "Exit status: 0 done, 1 refused or failed, 2 usage, 3 wait timed out,\n"
        . "4 server unreachable, 5 wait --fail-unknown and the drain is unknown.\n";
    like $ctl->run('help')->{out}, qr/^\Q$statuses\E\z/m, 'the help has the exit statuses';
    my ($part) = $text =~ /^EXIT STATUS\n(.*?)^\S/ms;
    is_deeply [$part =~ /^ {5}(\d)\b/mg], [0 .. 5], 'so has the man page';
    my $manual = slurp(repo('docs/abswitchctl.md'));
    my ($table) = $manual =~ /^\| Exit status \| Means .*?\n(.*?)\n\n/ms;
    is_deeply [$table =~ /^\| (\d) \|/mg], [0 .. 5], 'and the manual';
    my %seen;
    for my $option (grep { !$seen{$_}++ } @options) {
        like $text, qr/\Q$option\E\b/, "the man page has $option";
        like $completion, qr/\Q$option\E\b/, "the completion has $option";
    }
    like $completion, qr/\b$_\b/, "the completion has $_" for @COMMANDS;
};

# What bash would offer for a line.
sub completions ($line, %o) {
    local $ENV{ABSWITCH_URL} = $o{url} // $ctl->{url};
    local $ENV{PATH} = repo('build') . ":$ENV{PATH}";
    my $script = 'source "$0"; COMP_LINE=$1; COMP_POINT=${#1}; _abswitchctl; printf "%s\n" "${COMPREPLY[@]}"';
    my ($exit, $output) = run('bash', '--norc', '-c', $script, repo('conf/abswitchctl.bash-completion'), $line);
    return join ' ', split /\n/, $output;
}

subtest 'completion' => sub {
    is completions('abswitchctl '), join(' ', @COMMANDS, 'help'), 'commands';
    is completions('abswitchctl re'), 'reopen retire', 'that begin so';
    is completions('abswitchctl flip '), 'contact wiki', 'applications';
    is completions('abswitchctl --json flip --note x w'), 'wiki', 'behind options';
    is completions('abswitchctl flip wiki '), 'old new', 'sides';
    is completions('abswitchctl weights wiki old=1 n'), 'new=', 'for weights';
    my ($me) = map { $_->{node} } $site->status->{nodes}->@*;
    is completions('abswitchctl retire contact '), $me, 'nodes';
    my $host = $me =~ s/:.*//r;
    is completions("abswitchctl retire contact $host:"), $me =~ s/.*://r, 'behind a colon';
    like completions('abswitchctl flip contact B --'), qr/--note/, 'options';
    unlike completions('abswitchctl status --'), qr/--note/, 'of that command';
    is completions("abswitchctl --url $ctl->{url} log ", url => 'http://127.0.0.1:1/'), 'contact wiki',
        'of the server of the line';
    is completions('abswitchctl log ', url => 'http://127.0.0.1:1/'), '', 'silent if nobody answers';
    is completions('abswitchctl --user alice log ', url => $site->origin . '/private'), '', 'or a password is wanted';
    is completions('abswitchctl flip $(touch /tmp/abswitch-evil) '), '', 'nothing is run';
    ok !-e '/tmp/abswitch-evil', 'really not';
};

$site->log_is_clean;
done_testing;
