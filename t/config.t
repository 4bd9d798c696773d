#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What `httpd -t` accepts, and what it says of the rest: one sentence that names the directive, the value and what
# is accepted.

use v5.36;
use Test::More;
use ABSwitch::Host qw(spew);
use ABSwitch::Httpd;

my $httpd = ABSwitch::Httpd->new(name => 'config');
my $sides = "ABSwitchSide A /contact/A\nABSwitchSide B /contact/B\n";
my $least = "ABSwitchLaunchpad /contact\n$sides";

sub app ($more, $base = $least, $name = 'contact') { return "<ABSwitch $name>\n$base$more\n</ABSwitch>\n" }

sub accepted ($what, $conf) {
    my ($exit, $output) = $httpd->configtest($conf);
    return is $exit, 0, "accepted: $what" || diag $output;
}

# The message is one line that begins with the directive (after httpd's own words) and matches all patterns.
sub refused ($what, $conf, @patterns) {
    my ($exit, $output) = $httpd->configtest($conf);
    isnt $exit, 0, "refused: $what" or return;
    my ($line) = grep { /<?ABSwitch/ && !/^AH00526|Syntax error on line/ } split /\n/, $output;
    for my $pattern (@patterns) {
        like $line // $output, $pattern, "... and says so ($pattern)";
    }
    return;
}

# --- values, inside and outside of a section --------------------------------------------------------------

my $time = qr/a time from .* such as/;
my @in_app = (
    # directive, values that are accepted, values that are not, what the message says is accepted
    ['ABSwitchMaxLoginTime', [qw(1s 1 30min 8h 8760h none NONE 1000ms)],
        [qw(0 0s 999ms 8761h -1 1.5h abc 5d 8hx 99999999999999999999h)], qr/$time.* or none|or none.*such as/],
    ['ABSwitchIdleTimeout', [qw(1s 30min 365)], [qw(none 0 8761h half)], $time],
    ['ABSwitchDrainTimeout', [qw(1s none)], [qw(0 soon)], qr/or none/],
    ['ABSwitchAutoClose', [qw(on off On)], [qw(yes 1)], qr/off or on/],
    ['ABSwitchDeepLinks', [qw(on off)], [qw(yes)], qr/off or on/],
    ['ABSwitchBookmarks', [qw(home current off)], [qw(on away)], qr/home, current or off/],
    ['ABSwitchDefault', [qw(A B)], [qw(C a off)], qr/ABSwitchSide/],
    ['ABSwitchOrigin', [qw(https://app.example http://app.example:8080 https://[::1]:8443/), '"https://a.example" "https://b.example"'],
        [qw(app.example https:// ftp://app.example https://app.example/contact https://u@app.example https://app.example:99999)],
        qr{scheme://host}],
    ['ABSwitchLogout', [qw(/logout), '/logout /bye/bye'], [qw(logout /a/../b /a%20b)], qr/URL path/],
    ['ABSwitchClearCookies', [qw(JSESSIONID), 'JSESSIONID PHPSESSID'], [qw(a=b a;b), '"a b"'], qr/cookie's name/],
    ['ABSwitchOverride', ['/contact-test "-R \'127.0.0.1\'"'], ['/contact-test "-R"', '/contact-test "%{"'],
        qr/httpd expression/],
    ['ABSwitchOverride', [], ['contact-test true', '/ true', '/a//b true'], qr/path/],
    ['ABSwitchRoute', ['B "%{QUERY_STRING} =~ /beta/"'], ['B "=~"'], qr/httpd expression/],
    ['ABSwitchRoute', [], ['C true'], qr/ABSwitchSide/],
    ['ABSwitchCookie', ['side', 'side secure=on', 'side secure=auto samesite=strict path=/ domain=app.example',
            'side samesite=none', '__Host-side path=/ secure=on'],
        ['side secure=maybe', 'side samesite=some', 'side path=x', 'side colour=red', '"a b"', 'side samesite=none secure=off',
            'side domain=a;b'], qr/give|letters/],
    ['ABSwitchOnDrained', ['/bin/true', '/bin/echo "a b" c'], ['true'], qr/absolute path/],
    ['ABSwitchLaunchpad', [], ['/contact'], qr/second launchpad/],
    ['ABSwitchSide', ['C /contact/C', 'C /elsewhere/C\nABSwitchCookie abswitch_contact path=/'],
        ['A /contact/C', 'off /contact/C', 'C contact', 'averyveryverylong /contact/C', 'C.1 /contact/C'], qr/give|has 1 to 16/],
);
my @global = (
    ['ABSwitchStore', [qw(local)], [qw(redis:localhost shared)], qr/local/],
    ['ABSwitchStateDir', [qw(abswitch /tmp/abswitch /tmp/abswitch/)], [qw(/nowhere/abswitch /dev/null /dev/null/x)],
        qr/directory.*parent/],
    ['ABSwitchNode', [qw(web1:80 a), 'x' x 64], ['"a b"', 'x' x 65, 'a/b'], qr/1 to 64/],
    ['ABSwitchRetireAfter', [qw(none 1h)], [qw(0 never)], qr/or none/],
    ['ABSwitchSessions', [qw(1024 16777216)], [qw(1023 16777217 -1 many 1e6)], qr/1024 to 16777216/],
    ['ABSwitchSync', [qw(100ms 1s 60s 1min)], [qw(99ms 61s 0 none)], qr/100ms to 60s/],
    ['ABSwitchStoreTimeout', [qw(10ms 5s)], [qw(9ms 6s)], qr/10ms to 5s/],
);

for my $rows ([\@in_app, \&app], [\@global, sub ($line) { "$line\n" . app('') }]) {
    my ($table, $place) = @$rows;
    for my $row (@$table) {
        my ($name, $good, $bad, $pattern) = @$row;
        subtest $name => sub {
            accepted("$name $_", $place->("$name $_" =~ s/\\n/\n/r)) for @$good;
            for my $value (@$bad) {
                my ($word) = $value =~ /\A"?([^\s"]+)/;
                refused("$name $value", $place->("$name $value"), qr/\b\Q$name\E/, $pattern);
            }
        };
    }
}

# --- sections -------------------------------------------------------------------------------------------------

subtest 'sections' => sub {
    accepted 'no application at all', '';
    accepted 'the least', app('');
    accepted 'two applications',
        app('') . app('', "ABSwitchLaunchpad /shop\nABSwitchSide A /shop/A\nABSwitchSide B /shop/B\n", 'shop');
    accepted 'a launchpad with page and login',
        app('', "ABSwitchLaunchpad /contact/ page=/welcome.html login=/login\n$sides");
    accepted 'the root as launchpad', app('', "ABSwitchLaunchpad /\nABSwitchSide A /A/\nABSwitchSide B /B\n");
    accepted 'inside IfModule and behind Define',
        "Define P /contact\n<IfModule abswitch_module>\n" . app('', "ABSwitchLaunchpad \${P}\n$sides") . "</IfModule>\n";
    refused 'a name with a blank', "<ABSwitch a b>\n$least</ABSwitch>", qr/one name/;
    refused 'an odd name', "<ABSwitch a.b>\n$least</ABSwitch>", qr/A-Z a-z 0-9/;
    refused 'no name', "<ABSwitch>\n$least</ABSwitch>", qr/1 to 32/;
    refused 'the same name twice', app('') . app(''), qr/second time/;
    refused 'no launchpad', app('', $sides), qr/ABSwitchLaunchpad.*give/;
    refused 'one side', app('', "ABSwitchLaunchpad /contact\nABSwitchSide A /contact/A\n"), qr/2 to 16/;
    refused 'seventeen sides', app(join("\n", map { "ABSwitchSide S$_ /contact/S$_" } 1 .. 15)), qr/2 to 16/;
    accepted 'sixteen sides', app(join("\n", map { "ABSwitchSide S$_ /contact/S$_" } 1 .. 14));
    refused 'a foreign directive', app('Redirect /a /b'), qr/Redirect/;
    refused 'a side outside of a section', "ABSwitchSide A /contact/A\n", qr/<ABSwitch NAME>/;
    refused 'a server-wide directive in a section', app('ABSwitchSync 1s'), qr/main server|not accepted in this section/;
    refused 'a server-wide directive in a virtual host', "<VirtualHost *:1>\nABSwitchSync 1s\n</VirtualHost>\n" . app(''),
        qr/main server/;
    my ($exit) = $httpd->configtest("<Location /x>\n" . app('') . '</Location>');
    isnt $exit, 0, 'refused: a section in <Location>';
};

subtest 'paths' => sub {
    refused 'a side that is the launchpad', app('', "ABSwitchLaunchpad /contact\nABSwitchSide A /contact\nABSwitchSide B /contact/B\n"),
        qr{"/contact"};
    refused 'sides that nest', app('ABSwitchSide C /contact/A/C'), qr{/contact/A/C.*/contact/A};
    refused 'two sides of one path', app('ABSwitchSide C /contact/A'), qr{/contact/A};
    accepted 'sides whose names only begin alike', app('ABSwitchSide AB /contact/AB');
    refused 'sides that nest between applications',
        app('') . app('', "ABSwitchLaunchpad /shop\nABSwitchSide A /shop/A\nABSwitchSide B /contact/A/B\n"
            . "ABSwitchCookie shop path=/\n", 'shop'), qr{/contact/A/B};
    refused 'two applications with one launchpad', app('')
        . app('', "ABSwitchLaunchpad /contact\nABSwitchSide A /contact/C\nABSwitchSide B /contact/D\n", 'shop'), qr{"/contact"};
    refused 'a launchpad below a side', app('', "ABSwitchLaunchpad /a/b\nABSwitchSide A /a\nABSwitchSide B /b\n"
        . "ABSwitchCookie x path=/\n"), qr{/a/b};
    refused 'a door below a side', app('ABSwitchOverride /contact/A/door true'), qr{ABSwitchOverride.*/contact/A/door};
    accepted 'a door below the launchpad', app('ABSwitchOverride /contact/door true');
    refused 'a side that the cookie does not reach', app('', "ABSwitchLaunchpad /contact\nABSwitchSide A /contact/A\nABSwitchSide B /other/B\n"),
        qr{/other/B}, qr{give ABSwitchCookie abswitch_contact path=/};
    refused 'a launchpad that would end the path of its cookie', app('', "ABSwitchLaunchpad /a;b\nABSwitchSide A /a;b/A\nABSwitchSide B /a;b/B\n"),
        qr{"/a;b"}, qr{give ABSwitchCookie abswitch_contact path=/};
    refused 'a cookie path with a slash behind it that is too deep', app('ABSwitchCookie c path=/contact/A'), qr{/contact/B};
    accepted 'the remedy', app('', "ABSwitchLaunchpad /contact\nABSwitchSide A /contact/A\nABSwitchSide B /other/B\n"
        . "ABSwitchCookie abswitch_contact path=/\n");
};

subtest 'virtual hosts' => sub {
    my $host = sub ($port, $conf) { "Listen 127.0.0.1:$port\n<VirtualHost 127.0.0.1:$port>\n$conf\n</VirtualHost>\n" };
    accepted 'one application in two of them', $host->(1, app('')) . $host->(2, app(''));
    accepted 'one application in the main server and in one of them', app('') . $host->(1, app(''));
    refused 'two applications of one name', $host->(1, app('')) . $host->(2, app('ABSwitchDefault B')), qr/contact.*differs/;
    accepted 'two applications with one launchpad in two of them', $host->(1, app('')) . $host->(2, app('', $least, 'other'));
    refused 'an application beside an inherited one of the same launchpad', app('') . $host->(1, app('', $least, 'other')),
        qr{"/contact/A"};
};

# --- the secret file --------------------------------------------------------------------------------------------

subtest 'the secret file' => sub {
    my $file = $httpd->path('conf/key');
    my $conf = "ABSwitchSecretFile $file\n" . app('');
    my $hex = '0f' x 32;
    my $with = sub ($text, $mode = 0600) { unlink $file; spew($file, $text, $mode) };

    refused 'a missing one', $conf, qr/ABSwitchSecretFile.*\Q$file\E.*cannot be read/, qr/0600/;
    $with->("k $hex\n");
    accepted 'one key', $conf;
    $with->("n $hex\nk " . 'AB' x 40 . "\n");
    accepted 'two keys', $conf;
    $with->("k $hex\n", 0640);
    refused 'one that the group may read', $conf, qr/group or to others/;
    $with->("k $hex\n", 0604);
    refused 'one that others may read', $conf, qr/group or to others/;
    for (['k ' . '0f' x 31, 'one digit pair too short'], ['', 'empty'], ["kk $hex", 'a long kid'], ["k $hex\nk $hex", 'a kid twice'],
        ["k ${hex}0", 'half a byte'], ["k " . 'zz' x 32, 'no hex'], [$hex, 'no kid']) {
        my ($text, $what) = @$_;
        $with->("$text\n");
        refused $what, $conf, qr/ABSwitchSecretFile/, qr/64 hex digits/;
        my (undef, $output) = $httpd->configtest($conf);
        unlike $output, qr/0f0f0f|zzzz/, '... and the secret is not told';
    }
    unlink $file;
    symlink $httpd->write('conf/real-key', "k $hex\n", 0600), $file or die "symlink: $!";
    refused 'a link', $conf, qr/is a link/;
    unlink $file;
    mkdir $file or die "mkdir: $!";
    refused 'a directory', $conf, qr/not a plain file|cannot be read|is open/;
    refused 'one in a virtual host', "<VirtualHost *:1>\nABSwitchSecretFile $file\n</VirtualHost>\n" . app(''), qr/main server/;
};

done_testing;
