#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The token as a cookie: which ones count, which keys, and with which attributes it is set.

use v5.36;
use MIME::Base64 qw(encode_base64url);
use Digest::SHA qw(hmac_sha256);
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Host qw(free_port slurp);
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait;

my $VECTOR = '1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urw._4w3Rzew7TNzNFX7p2detw';
my $OTHER_SECRET = '42' x 32;

sub site (%o) {
    my $conf = "MaxKeepAliveRequests 0\n" . ($o{conf} // '');
    my $site = ABSwitch::Site->new(%o, conf => $conf, app => "ABSwitchMaxLoginTime none\n" . ($o{app} // ''));
    $site->write("htdocs/contact/$_/page.html", "$_\n") for qw(A B);
    return $site->start;
}

# Whether the Cookie header makes whoever asks for a page of A a session there or a newcomer, who gets a token.
sub verdict ($site, $cookie, %o) {
    my $r = ask($site, at => '/contact/A/page.html', headers => [Cookie => $cookie], %o);
    my $is = join ' ', $r->status, $r->header('X-Verdict'), map { $_->{name} } $r->cookies;
    return $is eq '200 pass' ? 'session' : $is eq '200 enter abswitch_contact' ? 'none' : $is;
}

sub accepted ($site, $name, @cookie) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is verdict($site, @cookie), 'session', $name;
}

sub ignored ($site, $name, @cookie) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is verdict($site, @cookie), 'none', $name;
}

# --- one token ------------------------------------------------------------------------------------------------

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "as specified: $mpm" => sub {
        my $site = site(mpm => $mpm);
        accepted $site, 'the specified example', "abswitch_contact=$VECTOR";
        sessions_are $site, 'is counted', { A => 1 };
        my $r = ask($site, at => '/contact');
        my $value = $r->cookie('abswitch_contact')->{value};
        ok read_token($value, secret => ABSwitch::Site::SECRET, app => 'contact'), 'what is handed out has that form';
        cmp_ok length $value, '<=', 160, 'and length';
        isnt ask($site, at => '/contact')->cookie('abswitch_contact')->{value}, $value, 'no two are alike';
        accepted $site, 'it comes back', "abswitch_contact=$value";
        $site->log_is_clean;
    };
}

my $site = site(sides => [qw(A B long-side_name16)], conf => <<'CONF');
<ABSwitch other>
    ABSwitchLaunchpad /other
    ABSwitchSide A /other/A
    ABSwitchSide B /other/B
    ABSwitchCookie abswitch_contact path=/
</ABSwitch>
CONF

subtest 'every byte flipped' => sub {
    my $line = $site->client->connection;
    for my $i (0 .. length($VECTOR) - 1) {
        my @wrong;
        for my $bit (0 .. 7) {
            my $token = $VECTOR;
            substr $token, $i, 1, chr(ord(substr $token, $i, 1) ^ 1 << $bit);
            next if $token =~ /[\x00-\x1f\x7f]/;    # httpd's own 400
            my $is = verdict($site, "abswitch_contact=$token", client => $line);
            push @wrong, "$token: $is" if $is ne 'none';
        }
        is_deeply \@wrong, [], "byte $i";
    }
    $line->close;
};

subtest 'cut at every length, rubbish behind' => sub {
    my $line = $site->client->connection;
    my @client = (client => $line);
    ignored $site, "the first $_ bytes", 'abswitch_contact=' . substr($VECTOR, 0, $_), @client
        for 0 .. length($VECTOR) - 1;
    ignored $site, "the last $_ bytes", 'abswitch_contact=' . substr($VECTOR, -$_), @client
        for 1 .. length($VECTOR) - 1;
    ignored $site, 'behind it: ' . (length $_ > 20 ? 'a lot' : s/[^ -~]/?/gr), "abswitch_contact=$VECTOR$_", @client
        for '.', '=', '..', '.x', 'x', '==', '%', '%00', '\\', '/', '.AAAA', '"', "\x80", 'A' x 100, 'A' x 7000;
    ignored $site, "before it: $_", "abswitch_contact=$_$VECTOR", @client for qw(0 1. . = + " %31);
    $line->close;
};

subtest 'canonical only' => sub {
    my %o = (side => 'A', login => 1763800000, id => pack 'C*', 0xa0 .. 0xaf);
    my $resigned = sub ($text) {
        my $key = hmac_sha256('mod_abswitch/1 token', pack 'H*', ABSwitch::Site::SECRET);
        return "$text." . encode_base64url(substr hmac_sha256("mod_abswitch/1\0contact\0$text", $key), 0, 16);
    };
    my $id = 'oKGio6SlpqeoqaqrrK2urw';
    accepted $site, 'the same, signed here', 'abswitch_contact=' . $resigned->("1.k.A.-.1763800000.$id");
    my @odd = (
        ['version 0', "0.k.A.-.1763800000.$id"], ['version 2', "2.k.A.-.1763800000.$id"],
        ['version 01', "01.k.A.-.1763800000.$id"],
        ['a key id that is none', "1.-.A.-.1763800000.$id"], ['no key id', "1..A.-.1763800000.$id"],
        ['an unknown key', "1.z.A.-.1763800000.$id"], ['two key ids', "1.kk.A.-.1763800000.$id"],
        ['an unknown side', "1.k.Z.-.1763800000.$id"], ['no side', "1.k..-.1763800000.$id"],
        ['another case', "1.k.a.-.1763800000.$id"], ['a path as a side', "1.k.../A.-.1763800000.$id"],
        ['a side of 17', '1.k.' . 'A' x 17 . ".-.1763800000.$id"], ['a longer side', "1.k.AB.-.1763800000.$id"],
        ['unknown flags', "1.k.A.x.1763800000.$id"], ['no flags', "1.k.A..1763800000.$id"],
        ['both flags', "1.k.A.-t.1763800000.$id"],
        ['login 0', "1.k.A.-.0.$id"], ['no login', "1.k.A.-..$id"], ['a negative login', "1.k.A.-.-5.$id"],
        ['a leading zero', "1.k.A.-.01763800000.$id"], ['a sign', "1.k.A.-.+1763800000.$id"],
        ['hexadecimal', "1.k.A.-.0x1.$id"],
        ['a fraction', "1.k.A.-.1763800000.5.$id"], ['a huge login', "1.k.A.-.9223372036854775807.$id"],
        ['a login beyond 64 bits', "1.k.A.-.18446744073711351616.$id"],
        ['one that wraps', "1.k.A.-.18446744075473351616.$id"],
        ['a login of 100 digits', '1.k.A.-.' . '1' x 100 . ".$id"],
        ['an id of another spelling', '1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urx'],
        ['padding', "1.k.A.-.1763800000.$id=="],
        ['an id of 15 bytes', '1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2u'],
        ['an id of 17', '1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2ur68'],
        ['no id', '1.k.A.-.1763800000.'], ['plain base64', '1.k.A.-.1763800000.oKGio6Slpqeoqaqrr+2/rw'],
        ['a field more', "1.k.A.-.1763800000.$id.x"], ['a field fewer', "1.k.A.-.$id"],
    );
    ignored $site, $_->[0], 'abswitch_contact=' . $resigned->($_->[1]) for @odd;

    my $unsigned = $VECTOR =~ s/[^.]+\z//r;
    ignored $site, 'a tag of zeros', "abswitch_contact=$unsigned" . 'A' x 22;
    ignored $site, 'no tag', "abswitch_contact=$unsigned";
    ignored $site, 'a tag of another spelling', 'abswitch_contact=' . $VECTOR =~ s/w\z/x/r;
    ignored $site, "another key's", 'abswitch_contact=' . make_token(%o, secret => $OTHER_SECRET, app => 'contact');
    ignored $site, 'an empty key\'s', 'abswitch_contact=' . make_token(%o, secret => '', app => 'contact');
    ignored $site, "another application's", 'abswitch_contact=' . make_token(%o, secret => ABSwitch::Site::SECRET,
        app => 'other');
    ignored $site, "a tester's flag with an ordinary tag", 'abswitch_contact=' . $VECTOR =~ s/\.-\./.t./r;
    ignored $site, "another side with this one's tag", 'abswitch_contact=' . $VECTOR =~ s/\.A\./.B./r;
    is ask($site, at => '/contact', token => 'long-side_name16')->location, '/contact/long-side_name16/',
        'a side of 16 letters';
    is ask($site, at => '/other', headers => [Cookie => 'abswitch_contact=' . $site->token(side => 'B')])->location,
        '/other/A/', 'two applications of one cookie name do not take each other\'s';

    accepted $site, 'a login long ago', 'abswitch_contact=' . $site->token(side => 'A', login => 1);
    accepted $site, 'a clock that is 50 s ahead', 'abswitch_contact=' . $site->token(side => 'A', login => time + 50);
    ignored $site, 'more than 60 s', 'abswitch_contact=' . $site->token(side => 'A', login => time + 65);
    ignored $site, 'a year', 'abswitch_contact=' . $site->token(side => 'A', login => time + 31536000);
};

# --- several --------------------------------------------------------------------------------------------------

subtest 'several cookies' => sub {
    my $a = $site->token(side => 'A', login => time - 100);
    my $newer = $site->token(side => 'B', login => time - 50);
    my $bad = $VECTOR =~ s/.\z/A/r;
    my $where = sub (@cookies) {
        return ask($site, at => '/contact/?x', headers => [Cookie => [@cookies]])->location;
    };
    my @pair = map { "abswitch_contact=$_" } $a, $newer;
    is $where->("$pair[0]; $pair[1]"), '/contact/B/?x', 'the newest counts, behind the older';
    is $where->("$pair[1]; $pair[0]"), '/contact/B/?x', 'and before it';
    is $where->("x=1; $pair[1]; y=2"), '/contact/B/?x', 'among others';
    is $where->("$pair[1];$pair[0]"), '/contact/B/?x', 'without spaces';
    is $where->(";; ;$pair[1]; ;"), '/contact/B/?x', 'with empty pieces';
    is $where->("  $pair[1]\t ;"), '/contact/B/?x', 'with blanks';
    is $where->("abswitch_contact=$bad; $pair[1]"), '/contact/B/?x', 'a bad one before a good one';
    is $where->(join '; ', ("abswitch_contact=$bad") x 7, $pair[1]), '/contact/B/?x', 'the eighth';
    is $where->(join '; ', ("abswitch_contact=$bad") x 8, $pair[1]), '/contact/A/?x', 'not the ninth';
    is $where->(join '; ', $pair[0], ("abswitch_contact=$bad") x 7, $pair[1]), '/contact/A/?x', 'though newer';
    is $where->(join '; ', (map { "x$_=1" } 1 .. 200), $pair[1]), '/contact/B/?x', 'others do not count';

    is $where->("ABSWITCH_CONTACT=$newer"), '/contact/A/?x', 'another case is another name';
    is $where->("xabswitch_contact=$newer"), '/contact/A/?x', 'so is a longer one';
    is $where->("abswitch_contact2=$newer"), '/contact/A/?x', 'at either end';
    is $where->("abswitch_contact=\"$newer\""), '/contact/A/?x', 'quotes are not taken off';
    is $where->("$pair[0], $pair[1]"), '/contact/B/?x', 'a comma separates, for httpd joins two headers with one';
    is $where->(@$_), '/contact/B/?x', 'two headers' for [@pair], [reverse @pair], ['x=1', $pair[1]],
        [$pair[1], 'x=1'], ['', $pair[1]];
    is $where->(("abswitch_contact=$bad") x 8, $pair[1]), '/contact/A/?x', 'nine headers';
    is $where->("x=\"; $pair[1]; \""), '/contact/B/?x', 'quotes do not hold cookies together';
    for my $odd ('abswitch_contact', 'abswitch_contact=', '=abswitch_contact', ';;;', '=', ' ', '',
        "abswitch_contact=\x80",
        'abswitch_contact=%41', "abswitch_contact=" . 'x' x 7000, join('; ', ('abswitch_contact=1') x 100)) {
        ignored $site, 'no token: ' . substr($odd =~ s/[^ -~]/?/gr, 0, 30), $odd;
    }
};

$site->log_is_clean('nothing of all that in the error log');

# --- time -----------------------------------------------------------------------------------------------------

# It is asked over and over while its last second passes. What is asked within one second has that one's answer.
subtest 'exactly at the cut-off' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchMaxLoginTime 8h', conf => "MaxKeepAliveRequests 0\n")->start;
    my $login = time - 28800 + 2;
    my $line = $site->client->connection;
    my (%said, @odd);
    wait_for 'the cut-off', 10, sub {
        my $asked = time;
        my $said = ask($site, client => $line, at => '/contact/A/', as => 'script', token => $site->token(side => 'A', login => $login))
            ->header('X-Verdict') // 'none';
        my $age = time - $login;
        if ($age == $asked - $login) {
            $said{$age}++;
            push @odd, "$age s: $said" if $said ne ($age < 28800 ? 'pass' : 'cutoff');
        }
        return $age > 28800;
    };
    $line->close;
    is_deeply \@odd, [], 'a session of less than 8 h passes, one of 8 h is cut off';
    is_deeply [grep { !$said{$_} } 28799, 28800], [], '... one second before it, and in the very second';
    sessions_are $site, 'and is no session any more', { A => 0 };
    $site->log_is_clean;
};

# --- keys -----------------------------------------------------------------------------------------------------

subtest 'rotation of keys' => sub {
    my $site = site();
    my $new = 'ab' x 40;
    my $old_token = $site->token(side => 'A');
    accepted $site, 'a session of the old key', "abswitch_contact=$old_token";
    sessions_are $site, 'is in the table', { A => 1 };

    my $keys = sub (@lines) {
        $site->write('conf/secret', join('', map { "$_\n" } @lines), 0600);
        return $site->graceful;
    };
    my $kid = sub { return read_token(ask($site, at => '/contact')->cookie('abswitch_contact')->{value})->{kid} };
    my $old_key = 'k ' . ABSwitch::Site::SECRET;
    $keys->("n $new", $old_key);
    is $kid->(), 'n', 'the first key signs';
    accepted $site, 'all verify: the old one', "abswitch_contact=$old_token";
    my $new_token = make_token(secret => $new, app => 'contact', kid => 'n', side => 'A');
    accepted $site, 'the new one', "abswitch_contact=$new_token";
    ignored $site, 'not one under the name of the other', 'abswitch_contact='
        . make_token(secret => $new, app => 'contact', kid => 'k', side => 'A');
    sessions_are $site, 'the restart lost nobody', { A => 2 };

    $keys->($old_key, "n $new");
    is $kid->(), 'k', 'another order, another first';
    $keys->("n $new");
    ignored $site, 'a key that is gone verifies no more, not even a session in the table',
        "abswitch_contact=$old_token";
    accepted $site, 'the other does', "abswitch_contact=$new_token";
    $keys->("k $OTHER_SECRET", "n $new");
    ignored $site, 'nor another key of its name', "abswitch_contact=$old_token";
    accepted $site, 'which has its own', 'abswitch_contact='
        . make_token(secret => $OTHER_SECRET, app => 'contact', kid => 'k', side => 'A');
    $site->log_is_clean;
};

subtest 'a side that is removed' => sub {
    my $site = ABSwitch::Site->new(sides => [qw(A B C)])->start;
    is ask($site, at => '/contact', token => 'C')->location, '/contact/C/', 'a session of C';
    my $token = witness($site, 'C');
    sessions_are $site, 'is counted', { C => 1 };
    $site->{sides} = [qw(A B)];
    $site->set_conf('');
    $site->graceful;
    is ask($site, at => '/contact', token => $token)->location, '/contact/A/',
        'a side that is not configured: no session';
    asked $site, 'nor elsewhere', { at => '/contact/A/', token => $token }, passed('A', 'enter', cookie => 'A');
    sessions_are $site, 'and no count', { A => 0, B => 0 };
    $site->log_is_clean;
};

subtest 'a secret that the module made' => sub {
    my $site = ABSwitch::Site->new;
    my $conf = $site->conf_before =~ s/^ABSwitchSecretFile.*\n//mr;
    my $httpd = ABSwitch::Httpd->new(conf => $conf, name => 'own-secret');
    $httpd->write("htdocs/contact/$_/index.html", "$_\n") for qw(A B);
    $httpd->start;
    my $file = $httpd->state_dir . '/secret';
    is sprintf('%o', (stat $file)[2] & 07777), '600', 'is readable by its owner only';
    my ($kid, $hex) = slurp($file) =~ /\A([A-Za-z0-9]) ([0-9a-f]{64,})\s*\z/i;
    ok $hex, 'one key';
    my $value = ask($httpd, at => '/contact')->cookie('abswitch_contact')->{value};
    ok read_token($value, secret => $hex, app => 'contact'), 'signs the tokens';
    $httpd->stop;
    $httpd->start;
    is ask($httpd, at => '/contact/A/', token => $value)->header('X-Verdict'), 'pass', 'and is kept';
    $httpd->log_is_clean;
};

# --- attributes -----------------------------------------------------------------------------------------------

subtest 'attributes of the cookie' => sub {
    my %apps = (
        plain   => ['', { path => '/plain', httponly => 1, samesite => 'Lax' }],
        secure  => ['ABSwitchCookie sec secure=on',
            { path => '/secure', httponly => 1, samesite => 'Lax', secure => 1 }],
        open    => ['ABSwitchCookie op secure=off', { path => '/open', httponly => 1, samesite => 'Lax' }],
        strict  => ['ABSwitchCookie st samesite=strict', { path => '/strict', httponly => 1, samesite => 'Strict' }],
        none    => ['ABSwitchCookie no samesite=none secure=on',
            { path => '/none', httponly => 1, samesite => 'None', secure => 1 }],
        wide    => ['ABSwitchCookie wi path=/ domain=app.example',
            { path => '/', domain => 'app.example', httponly => 1, samesite => 'Lax' }],
        host    => ['ABSwitchCookie __Host-x path=/ secure=on',
            { path => '/', httponly => 1, samesite => 'Lax', secure => 1 }],
    );
    my $site = ABSwitch::Site->new;
    my $blocks = join '', map { app_block($site, $_, $apps{$_}[0]
        . "\nABSwitchLogout /logout.html\n") } sort keys %apps;
    $site->write("htdocs/$_/A/logout.html", "bye\n") for keys %apps;
    $site->set_conf($blocks . <<'CONF');
Listen 127.0.0.1:${PORT2}
<VirtualHost 127.0.0.1:${PORT2}>
    ServerName https://app.example
</VirtualHost>
CONF
    my $port = free_port();
    $site->{conf} = "Define PORT2 $port\n$site->{conf}";
    $site->start;

    for my $app (sort keys %apps) {
        my ($directive, $attributes) = $apps{$app}->@*;
        my ($name) = $directive =~ /ABSwitchCookie (\S+)/;
        $name //= "abswitch_$app";
        my $cookie = sub ($r) {
            my ($cookie, @more) = $r->cookies;
            return 'more than one' if @more;
            return { %{ $cookie // {} } };
        };
        my $is = sub ($what, $r, $attributes) {
            my $got = $cookie->($r);
            my $value = delete $got->{value};
            is_deeply $got, { name => $name, %$attributes }, "$app: $what" or diag $r->raw;
            return $value;
        };
        my $value = $is->('at the launchpad', ask($site, at => "/$app"), $attributes);
        ok read_token($value, secret => ABSwitch::Site::SECRET, app => $app), "$app: a token";
        $is->('on a page', ask($site, at => "/$app/A/"), $attributes);
        my $over_tls = ABSwitch::Client->new(port => $port);
        $is->('over https', ask($site, client => $over_tls, at => "/$app"),
            $app eq 'open' ? $attributes : { %$attributes, secure => 1 });

        my $gone = $cookie->(ask($site, at => "/$app/A/logout.html", headers => [Cookie => "$name=$value"]));
        cmp_ok delete $gone->{ends}, '<=', time, "$app: a logout expires it";
        is_deeply [@$gone{qw(name path domain)}], [$name, @$attributes{qw(path domain)}],
            "$app: by its name, path and domain";
        is $gone->{secure}, $attributes->{secure}, "$app: and as secure as it was";
    }
    $site->log_is_clean;
};

done_testing;
