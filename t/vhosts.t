#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Applications and virtual hosts: one application in two of them, different ones, and the main server's inherited.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;

my $SHARED = <<'CONF';
    <ABSwitch shared>
        ABSwitchLaunchpad /shared
        ABSwitchSide A /shared/A
        ABSwitchSide B /shared/B
    </ABSwitch>
CONF

sub own ($name, $sides) {
    return join "\n", "<ABSwitch $name>", 'ABSwitchLaunchpad /own',
        (map { "ABSwitchSide $_ /own/$_" } split //, $sides), "</ABSwitch>\n";
}

sub vhost ($host, @blocks) {
    return join "\n", "<VirtualHost 127.0.0.1:\${PORT}>", "ServerName $host", @blocks, "</VirtualHost>\n";
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest $mpm => sub {
        my $site = ABSwitch::Site->new(mpm => $mpm);
        app_block($site, $_, '') for qw(shared own);
        $site->write("htdocs/own/$_/index.html", "$_\n") for qw(C D);
        $site->set_conf(vhost('one.example', $SHARED, own('first', 'AB'))
            . vhost('two.example', $SHARED, own('second', 'CD')) . vhost('three.example'));
        $site->start;
        my $at = sub ($host, $path, %ask) { return ask($site, at => $path, %ask,
            headers => [Host => "$host.example"]) };

        my @shared = (app => 'shared');
        is $at->('one', '/shared', @shared)->location, '/shared/A/', 'an application in one';
        is $at->('two', '/shared', @shared)->location, '/shared/A/', 'is in the other';
        is $at->('three', '/shared', @shared)->cookie('abswitch_shared'), undef, 'not in the third';
        my $value = $at->('one', '/shared', @shared)->cookie('abswitch_shared')->{value};
        is $at->('two', '/shared/A/', @shared, token => $value)->header('X-Verdict'), 'pass',
            'a token of one is good in the other';
        sessions_are $site, 'and counted', { A => 1 }, 'shared';
        is $at->('one', '/shared/A/', @shared, token => $value)->header('X-Verdict'), 'pass', 'and in the first';
        $at->('one', '/shared/A/', @shared, token => token_text('A', 'shared'));
        sessions_are $site, 'a session is one session', { A => 2, B => 0 }, 'shared';
        $site->flip('B', 'shared');
        is $at->($_, '/shared', @shared)->location, '/shared/B/', "one switch: $_" for qw(one two);
        is $at->('three', '/shared/A/', @shared)->header('X-Verdict'), undef, 'its path is nothing elsewhere';

        is $at->('one', '/own')->location, '/own/A/', 'one launchpad, two applications: the first';
        is $at->('two', '/own')->location, '/own/C/', 'and the second';
        is $at->('two', '/own/C/', app => 'second', token => token_text('C', 'first'))->header('X-Verdict'), 'enter',
            'which do not know each other\'s tokens';
        $site->flip('D', 'second');
        is $at->('two', '/own')->location, '/own/D/', 'each has its switch: the second';
        is $at->('one', '/own')->location, '/own/A/', 'not the first';
        is $at->('two', '/own/A/lists.jsp')->header('X-Verdict'), 'deeplink',
            "a side of the first is a path of the second's";
        is $at->('three', '/own/lists.jsp')->status, 404, 'neither is in the third';

        is $at->($_, '/contact')->location, '/contact/A/', "the main server's is inherited: $_"
            for qw(one two three nobody);
        my $token = token_text('A');
        is $at->($_, '/contact/A/', token => $token)->header('X-Verdict'), 'pass', "with its sessions: $_"
            for qw(one two three);
        sessions_are $site, 'which are one', { A => 1 };
        $site->flip('B');
        is $at->($_, '/contact')->location, '/contact/B/', "and its switch: $_" for qw(one three);
        my @apps = sort map { $_->{app} } $site->client->get('/abswitch-status?format=json')->json->{apps}->@*;
        is_deeply \@apps, [qw(contact first second shared)], 'the status page knows each once';
        $site->log_is_clean;
    };
}

subtest 'what does not go together' => sub {
    my $site = ABSwitch::Site->new;
    my $refused = sub ($name, $pattern, @hosts) {
        my ($exit, $output) = $site->configtest(join '', @hosts);
        isnt $exit, 0, "$name is refused";
        like $output, $pattern, 'by its name';
    };
    $refused->('one name, two applications', qr/shared/, vhost('one.example', $SHARED),
        vhost('two.example', $SHARED =~ s{/shared/B}{/shared/C}r));
    $refused->('one name, other directives', qr/shared/, vhost('one.example', $SHARED),
        vhost('two.example', $SHARED =~ s{(?=    </ABSwitch)}{ABSwitchIdleTimeout 5min\n}r));
    $refused->('one launchpad for two applications of a virtual host', qr{/own},
        vhost('one.example', own('first', 'AB'), own('second', 'CD')));
    $refused->('the launchpad of an inherited one', qr{/contact},
        vhost('one.example', own('first', 'AB') =~ s{Launchpad /own}{Launchpad /contact}r));
    is +($site->configtest(vhost('one.example', $SHARED) . vhost('two.example', $SHARED)))[0], 0,
        'the same twice is fine';
};

done_testing;
