#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The manager: what can be ordered by a form, what is refused and how, and what is in force afterwards.

use v5.36;
use utf8;
use Digest::SHA qw(hmac_sha256 sha256_base64);
use Encode qw(decode_utf8);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);
use ABSwitch::Host qw(repo run slurp which);
use ABSwitch::Manager;
use ABSwitch::Site;
use ABSwitch::Wait;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $site = ABSwitch::Site->new(
    sides => [qw(A B C)],
    ABSwitch::Manager->private(<<'CONF'));
<ABSwitch wiki>
    ABSwitchLaunchpad /wiki
    ABSwitchSide old /wiki/old
    ABSwitchSide new /wiki/new
    ABSwitchOrigin https://app.example http://intranet.example:8080
</ABSwitch>
CONF
ABSwitch::Manager->users($site, qw(alice bob));
$site->start;
my $ann = ABSwitch::Manager->new($site);

sub basic ($user) { return (Authorization => 'Basic ' . encode_base64("$user:password", '')) }

# It was done, and the page says so at once.
sub done ($r, $name, %switch) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is = $site->status->{switch};
    is $r->status . ' ' . ($r->json->{ok} ? 'ok ' : 'not ok ') . ($r->json->{generation} // $r->json->{error}),
        "200 ok $is->{generation}", $name;
    is_deeply { map { $_ => $is->{$_} } keys %switch }, \%switch, "$name: in force at once";
    return;
}

sub refused ($r, $status, $error, $name) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $r->status, $status, "$name: status" or diag $r->raw;
    is scalar $r->header('Content-Type'), 'application/json', "$name: JSON";
    my $said = eval { $r->json } // {};
    ok defined $said->{ok} && !$said->{ok} && join(' ', sort keys %$said) eq 'error ok', "$name: not ok";
    like $said->{error}, $error, "$name: why";
    return;
}

# --- what can be ordered ----------------------------------------------------------------------------------

subtest 'every action' => sub {
    refused $ann->order(action => 'rollback'), 409, qr/nothing to roll back to \(.*generation 0\)/, 'rollback of nothing';
    done $ann->order(action => 'flip', side => 'B', note => 'Grüße: 100% <b>"&amp;'), 'flip',
        generation => 1, weights => { A => 0, B => 1, C => 0 }, closed => [], by => '127.0.0.1',
        note => 'Grüße: 100% <b>"&amp;';
    refused $ann->order(action => 'flip', side => 'B'), 409, qr/nothing would change.*generation 1\)/, 'flip to where it is';
    done $ann->order(action => 'weights', weights => 'A=75 B=25'), 'weights',
        generation => 2, weights => { A => 75, B => 25, C => 0 }, note => '';
    refused $ann->order(action => 'weights', weights => 'B=25 A=75 C=0'), 409, qr/nothing would change/, 'the same weights';
    done $ann->order(action => 'flip', side => 'A'), 'flip back', generation => 3;
    refused $ann->order(action => 'close', side => 'A'), 409, qr/no side would be open/, 'close of the only open side';
    refused $ann->order(action => 'reopen', side => 'B'), 409, qr/not closed/, 'reopen of a draining side';
    done $ann->order(action => 'close', side => 'B'), 'close', generation => 4, closed => ['B'],
        weights => { A => 1, B => 0, C => 0 };
    refused $ann->order(action => 'close', side => 'B'), 409, qr/nothing would change/, 'close of a closed side';
    is $site->side('B')->{state}, 'closed', 'B is closed';
    done $ann->order(action => 'reopen', side => 'B'), 'reopen', generation => 5, closed => [];
    is $site->side('B')->{state}, 'draining', 'B drains';
    is $site->side('B')->{draining_since}, $site->status->{switch}{at}, 'from now';
    done $ann->order(action => 'close', side => 'B'), 'close again', generation => 6, closed => ['B'];
    done $ann->order(action => 'flip', side => 'B'), 'flip to a closed side', generation => 7, closed => [],
        weights => { A => 0, B => 1, C => 0 };
    done $ann->order(action => 'rollback'), 'rollback', generation => 8, closed => ['B'],
        weights => { A => 1, B => 0, C => 0 };
    done $ann->order(action => 'rollback'), 'forth again', generation => 9, closed => [],
        weights => { A => 0, B => 1, C => 0 };
    done $ann->order(action => 'weights', weights => 'C=1000000'), 'one weight', generation => 10,
        weights => { A => 0, B => 0, C => 1_000_000 };
    refused $ann->order(action => 'retire', node => 'web9:80'), 409, qr/alone/, 'retire, where nobody else is';
    refused $ann->order(action => 'retire', node => $ann->look->{node}), 409, qr/live/, 'retire of this node';
    my @log = $site->status->{log}->@*;
    is_deeply [map { $_->{generation} } @log], [reverse 1 .. 10], 'the log has every change, at once';
    my $html = decode_utf8($site->client->get('/abswitch-status')->body);
    is_deeply [$html =~ m{<th scope="row" class="n">\d+</th><td>([^<]*)</td>}g], [
        'B → C', 'A → B', 'B → A, closed B', 'A → B', 'B closed', 'B reopened', 'B closed', 'A=75 B=25 → A',
        'B → A=75 B=25', 'A → B',
    ], 'the page says what each changed';
    is_deeply [$log[-1]->@{qw(by note from to)}], ['127.0.0.1', 'Grüße: 100% <b>"&amp;', { A => 1, B => 0, C => 0 },
        { A => 0, B => 1, C => 0 }], 'who, why, from, to';
    is scalar(grep { /switch of contact: .*generation \d+, by 127/ } split /\n/, $site->{log}->text), 10,
        'the error log tells of each, once';
};

subtest 'by whom' => sub {
    my $alice = ABSwitch::Manager->new($site, path => '/private', headers => [basic('alice')]);
    done $alice->order(action => 'flip', side => 'A'), 'somebody who is logged in', by => 'alice';
    my $bob = ABSwitch::Manager->new($site, path => '/private', headers => [basic('bob')]);
    my $key = $alice->key;
    refused $bob->order(action => 'flip', side => 'B', token => $key), 403, qr/not made for you/, 'with the key of another';
    refused $ann->order(action => 'flip', side => 'B', token => $key), 403, qr/not made for you/, 'without a name';
    is $site->client->post('/private', $alice->form(action => 'flip', side => 'B'))->status, 401, 'without a password';
    is $site->status->{log}[0]{by}, 'alice', 'in the log, too';
};

subtest 'to a browser' => sub {
    my $html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    my $r = $ann->send($ann->form(action => 'flip', side => 'B'), Accept => $html);
    is_deeply [$r->status, $r->location, scalar $r->header('Cache-Control')], [303, '/abswitch-manager', 'no-store'],
        'done: 303 to the page';
    is $ann->send($ann->form(action => 'flip', side => 'A'), Accept => '*/*')->status, 303, 'to curl as well';
    my $wide = ABSwitch::Manager->new($site, path => '/abswitch-manager?app=contact&refresh=off');
    local $wide->{path} = $wide->{path};
    my $back = $site->client->post($wide->{path}, $ann->form(action => 'flip', side => 'B'));
    is $back->location, '/abswitch-manager?app=contact&refresh=off', 'to the view that it came from';

    $r = $ann->send($ann->form(action => 'flip', side => 'B'), Accept => $html);
    is $r->status, 409, 'refused: the status';
    is scalar $r->header('Content-Type'), 'text/html; charset=utf-8', 'a page';
    like $r->body, qr{<h1>Not done</h1>\n<p class="lead">Nothing would change \(}, 'which says why';
    like $r->body, qr{<p>Nothing was changed\. [^<]+</p>\n<p><a href="\?">Back to the manager</a>}, 'and how to go on';
    like scalar $r->header('Content-Security-Policy'),
        qr/\Adefault-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'/, 'and can hold nothing foreign';
    is scalar $r->header('Cache-Control'), 'no-store', 'not stored';
};

# --- what is refused --------------------------------------------------------------------------------------

# A form key, made a second time from its description.
sub form_key ($issued, $user = '', $purpose = 'csrf') {
    my $key = hmac_sha256("mod_abswitch/1 $purpose", pack 'H*', ABSwitch::Site::SECRET);
    return "k.$issued." . unpack 'H32', hmac_sha256($issued, hmac_sha256($user, $key));
}

subtest 'refused forms' => sub {
    $site->status->{switch}{weights}{B} or $ann->order(action => 'flip', side => 'B');
    my $generation = $ann->generation;
    my $key = $ann->key;
    my $now = int time;
    my %right = (action => 'flip', side => 'A', generation => $generation, token => $key);
    my $good = $ann->form(%right);
    my $with = sub (%change) { $ann->form(%right, %change) };
    my $own = $site->origin;
    my $port = $site->port;
    my @rows = (
        # name, status, why, body, headers
        ['empty', 400, qr/"action" is missing/, ''],
        ['only &', 400, qr/missing/, '&&&'],
        (map { ["without $_", 400, qr/"$_" is missing/, $with->($_ => undef)] } qw(app action side generation token)),
        ['side twice', 400, qr/"side" is given more than once/, "$good&side=B"],
        ['side twice, the same', 400, qr/more than once/, "$good&side=A"],
        ['side twice, one encoded', 400, qr/more than once/, "$good&%73ide=A"],
        (map { ["$_ twice", 400, qr/"$_" is given more/, "$good&" . ($good =~ /(\b$_=[^&]*)/)[0]] }
            qw(app action generation token)),
        ['note twice', 400, qr/more than once/, "$good&note=a&note=a"],
        ['an unknown field', 400, qr/field that no form/, "$good&x=1"],
        ['a field in capitals', 400, qr/field that no form/, "$good&Note=1"],
        ['a long unknown field', 400, qr/field that no form/, "$good&" . 'x' x 300 . '=1'],
        ['a field without a name', 400, qr/field that no form/, "$good&=1"],
        ['weights for a flip', 400, qr/"flip" has no field "weights"/, $with->(weights => 'A=1')],
        ['a side for a rollback', 400, qr/"rollback" has no field "side"/, $with->(action => 'rollback')],
        ['a node for a close', 400, qr/"close" has no field "node"/, $with->(action => 'close', node => 'a')],
        ['an unknown action', 400, qr/"action" is one of/, $with->(action => 'explode')],
        ['an action in capitals', 400, qr/"action" is one of/, $with->(action => 'FLIP')],
        ['no action', 400, qr/"action" is one of/, $with->(action => '')],
        ['an unknown side', 400, qr/no side of that name/, $with->(side => 'D')],
        ['a side in small letters', 400, qr/no side of that name/, $with->(side => 'a')],
        ['no side', 400, qr/no side of that name/, $with->(side => '')],
        ['side=<script>', 400, qr/\Athe application has no side of that name\z/, $with->(side => '<script>')],
        ['side=B%00', 400, qr/not encoded/, $with->(side => undef) . '&side=B%00'],
        ['a raw NUL', 400, qr/NUL/, "$good\0"],
        ['a bad escape', 400, qr/not encoded/, $with->(side => undef) . '&side=%zz'],
        ['half an escape', 400, qr/not encoded/, $with->(side => undef) . '&side=A%4'],
        (map { ["generation=$_", 400, qr/not the number/, $with->(generation => $_)] }
            '', '-1', '+1', '1.0', '1e0', '0x1', ' 1', '99999999999999999999', 'one', '18446744073709551615'),
        (map { ["weights=$_", 400, qr/"weights" is like/, $ann->form(%right, action => 'weights', side => undef, weights => $_)] }
            '', 'B', 'A=0', 'A=0 B=0', 'A=-1', 'A=1e3', 'A=1000001', 'A=1 A=1', 'A=1 D=1', 'A=1,B=1', 'A=1&B=1', 'A', 'A=',
            '=1', 'A=1 gen=5', 'A=1 by=eve', "A=1\nB=1", 'A=1 <b>'),
        ['a note of 201 characters', 400, qr/longer than 200/, $with->(note => 'ä' x 201)],
        (map { ["node=$_", 400, qr/not the name of a node/, $ann->form(%right, action => 'retire', side => undef, node => $_)] }
            '', 'web 1', 'web1/80', '<b>', 'x' x 65),
        ['4097 bytes', 413, qr/more than 4096/, $good . '&' x (4097 - length $good)],
        ['1 MB', 413, qr/more than 4096/, "$good&note=" . 'x' x 2**20],
        ['a Content-Length beyond all', 413, qr/more than 4096/, $good, 'Content-Length' => '99999999999'],
        ['text/plain', 400, qr/urlencoded/, $good, 'Content-Type' => 'text/plain'],
        ['JSON', 400, qr/urlencoded/, '{"action":"flip"}', 'Content-Type' => 'application/json'],
        ['multipart', 400, qr/urlencoded/, "--x\r\nContent-Disposition: form-data; name=\"side\"\r\n\r\nA\r\n--x--\r\n",
            'Content-Type' => 'multipart/form-data; boundary=x'],
        ['no Content-Type', 400, qr/urlencoded/, $good, 'Content-Type' => undef],
        ['a longer Content-Type', 400, qr/urlencoded/, $good, 'Content-Type' => 'application/x-www-form-urlencodedx'],
        ['an empty token', 403, qr/older than an hour/, $with->(token => '')],
        ['a wrong token', 403, qr/older than an hour/, $with->(token => $key =~ s/.\z/x/r)],
        ['a cut token', 403, qr/older than an hour/, $with->(token => substr $key, 0, -1)],
        ['a token of another purpose', 403, qr/older than an hour/, $with->(token => form_key($now, '', 'token'))],
        ['a token of somebody', 403, qr/not made for you/, $with->(token => form_key($now, 'alice'))],
        ['a token of an hour ago', 403, qr/older than an hour/, $with->(token => form_key($now - 3601))],
        ['a token of tomorrow', 403, qr/older than an hour/, $with->(token => form_key($now + 86400))],
        ['a token of an unknown key', 403, qr/older than an hour/, $with->(token => form_key($now) =~ s/\Ak/x/r)],
        (map { ["Origin: $_", 403, qr/another site/, $good, Origin => $_] }
            'null', '', 'http://evil.example', 'https://127.0.0.1:' . $port, 'http://127.0.0.1', 'http://127.0.0.1:1', "$own/",
            "$own, $own", 'https://app.example', "http://127.0.0.1:$port.evil.example", "http://evil\@127.0.0.1:$port"),
        (map { ["Referer: $_", 403, qr/another site/, $good, Referer => $_] }
            'http:', '///', 'about:blank', 'http://evil.example/abswitch-manager', "http://evil\@127.0.0.1:$port/",
            "http://127.0.0.1:$port.evil.example/", "https://evil.example/?$own/", '/abswitch-manager'),
        ['an own Origin and a foreign Referer', 403, qr/another site/, $good, Origin => $own, Referer => 'http://evil.example/'],
        ['a foreign Origin and an own Referer', 403, qr/another site/, $good, Origin => 'http://evil.example', Referer => "$own/"],
        ['two Origins', 403, qr/another site/, $good, Origin => [$own, $own]],
        ['no such application', 404, qr/no application/, $with->(app => 'nope')],
        ['an application in capitals', 404, qr/no application/, $with->(app => 'Contact')],
        ['no application', 404, qr/no application/, $with->(app => '')],
        ['a longer application', 404, qr/no application/, $with->(app => 'contact' x 20)],
        ['an application in markup', 404, qr/\Athere is no application of that name\z/, $with->(app => '<script>')],
        ['a generation that has passed', 409, qr/changed meanwhile.*generation $generation\)/, $with->(generation => $generation - 1)],
        ['a generation to come', 409, qr/changed meanwhile.*generation $generation\)/, $with->(generation => $generation + 1)],
    );
    for my $row (@rows) {
        my ($name, $status, $why, $body, @headers) = @$row;
        refused $ann->send($body, @headers), $status, $why, $name;
    }
    is $ann->generation, $generation, 'nothing has changed';
    for my $method (qw(GET HEAD PUT)) {
        my $r = $site->client->request($method, "/abswitch-manager?$good", body => $good,
            headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
        is $r->status, $method eq 'PUT' ? 405 : $method eq 'HEAD' ? 200 : 200, "$method with a form is no order";
    }
    is $ann->generation, $generation, 'nothing has changed by them';

    my @accepted = (
        ['an own Origin', Origin => $own], ['an own Referer', Referer => "$own/abswitch-manager?app=contact"],
        ['an own Referer without a path', Referer => $own], ['an empty Referer', Referer => ''],
        ['both', Origin => $own, Referer => "$own/"], ['neither'],
        ['charset', 'Content-Type' => 'Application/X-WWW-Form-Urlencoded ; charset=utf-8'],
        ['no script behind it', 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'navigate', Origin => $own],
    );
    for my $row (@accepted) {
        my ($name, @headers) = @$row;
        my $side = $site->status->{switch}{weights}{A} ? 'B' : 'A';
        done $ann->send($ann->form(action => 'flip', side => $side), @headers), $name;
    }
    my $side = $site->status->{switch}{weights}{A} ? 'B' : 'A';
    my $form = $ann->form(action => 'flip', side => $side, note => 'ä' x 200);
    done $ann->send($form . '&' x (4096 - length $form)), '4096 bytes and 200 characters', note => 'ä' x 200;
};

subtest 'an application with origins' => sub {
    my $wiki = ABSwitch::Manager->new($site, app => 'wiki');
    my $side = sub { $site->status('wiki')->{switch}{weights}{new} ? 'old' : 'new' };
    for my $origin ('https://app.example', 'https://APP.example:443', 'http://intranet.example:8080') {
        my $r = $wiki->send($wiki->form(action => 'flip', side => $side->()), Origin => $origin);
        is $r->status, 200, "Origin: $origin";
    }
    for my $origin ($site->origin, 'http://app.example', 'https://app.example:8443') {
        refused $wiki->send($wiki->form(action => 'flip', side => $side->()), Origin => $origin), 403, qr/another site/, $origin;
    }
};

subtest 'notes' => sub {
    my %row = (
        "a\tb\r\nc\x01\x7f" => 'a?b??c??', '<script>alert(1)</script>' => '<script>alert(1)</script>',
        "\xff\xfe!" => '??!', '' => '', '日本語 🎉' => '日本語 🎉', 'gen=99 B=1' => 'gen=99 B=1', "\x{2028}" => "\x{2028}",
    );
    for my $note (sort keys %row) {
        my $side = $site->status->{switch}{weights}{A} ? 'B' : 'A';
        done $ann->order(action => 'flip', side => $side, note => $note), 'a note', note => $row{$note};
    }
    my $html = $site->client->get('/abswitch-manager')->body;
    like $html, qr/&lt;script&gt;alert\(1\)&lt;\/script&gt;/, 'on the page as text';
    unlike $html, qr/<script>alert/, 'and nothing else';
};

# --- the page with its controls ---------------------------------------------------------------------------

# The forms of a page: what stands above it, its fields, what it says, its button.
sub forms ($html) {
    my @forms;
    while ($html =~ m{<summary>(.*?)</summary>\n<form method="post" autocomplete="off">\n(.*?)</form>}gs) {
        my ($title, $inside) = ($1, $2);
        my %field = map { my ($name) = /name="(\w+)"/; $name => (/value="([^"]*)"/)[0] // '' } $inside =~ /<input [^>]*>/g;
        push @forms, {
            title => $title, field => \%field, says => [map { s/<[^>]*>//gr } $inside =~ m{<li>(.*?)</li>}gs],
            button => ($inside =~ m{<button type="submit">(.*?)</button>})[0],
        };
    }
    return @forms;
}

sub by_title ($html) { return map { $_->{title} => $_ } forms($html) }

subtest 'the page' => sub {
    my $wide = ABSwitch::Manager->new($site);
    $wide->order(action => 'flip', side => 'A') if !$site->status->{switch}{weights}{A};
    $wide->order(action => 'close', side => 'C');
    my @people = map { my $b = $site->browser; $b->type_in('/contact'); $b->follow; $b->click('/contact/A/'); $b } 1 .. 3;
    my $r = $site->client->get('/abswitch-manager?app=contact');
    my $html = $r->body;
    my %form = by_title($html);
    my $before = $wide->generation - 1;
    is_deeply [sort keys %form], ['Close B', 'Flip to B', 'Flip to C', 'Reopen C', "Roll back to generation $before",
        'Share out new sessions'], 'what can be ordered now, and nothing that would be refused';
    my $until = qr/\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/;
    is scalar $form{'Flip to B'}{says}->@*, 2, 'a flip says two things';
    is $form{'Flip to B'}{says}[0], 'New sessions land on B.', 'where new sessions land';
    like $form{'Flip to B'}{says}[1],
        qr/\A3 people on A stay there until they leave, or until $until at the latest\.\z/, 'who stays';
    is_deeply [grep { /C/ } $form{'Flip to C'}{says}->@*], ['New sessions land on C.', 'C, which is closed, opens again.'],
        'of a closed side';
    is_deeply $form{'Close B'}{says}, ['Nobody is on B; nobody is cut off.'], 'closing an empty side';
    like $form{'Reopen C'}{says}[0],
        qr/\AC, which is closed, opens again: to those .* nobody new, or until $until at the latest\.\z/, 'reopening';
    is_deeply { $form{'Flip to B'}{field}->%*, token => 'x' }, { app => 'contact', action => 'flip', side => 'B',
        generation => $wide->generation, token => 'x', note => '' }, 'the fields';
    is $form{'Flip to B'}{button}, 'Flip to B now', 'the button says it again';
    my ($script) = $html =~ m{<script>(.*?)</script>}s;
    my ($style) = $html =~ m{<style>(.*?)</style>}s;
    is scalar $r->header('Content-Security-Policy'), sprintf("default-src 'none'; style-src 'sha256-%s='; "
        . "script-src 'sha256-%s='; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", sha256_base64($style),
        sha256_base64($script)), 'its policy';
    unlike $html, qr/http-equiv="refresh"| style="| on[a-z]+="/, 'nothing refreshes under the reader\'s hands';
    unlike $site->client->get('/abswitch-manager?refresh=off')->body, qr/<script/, 'without refreshing there is no script';
    unlike $site->client->get('/abswitch-status')->body, qr/<form|<details|<script/, 'the status page has no controls';

    # Every form of the page is an order that is taken.
    my $flip = join '&', map { "$_=" . $form{'Flip to B'}{field}{$_} } keys $form{'Flip to B'}{field}->%*;
    is $site->client->post('/abswitch-manager?app=contact', $flip)->status, 303, 'a form as the page has it';
    %form = by_title($site->client->get('/abswitch-manager')->body);
    like $form{'Close A'}{says}[0], qr/\A3 people on A are cut off: /, 'closing a side with people on it';
    $people[$_]->click('/contact/A/logout') for 1, 2;
};

# --- bodies as they come ----------------------------------------------------------------------------------

subtest 'bodies' => sub {
    my $head = "POST /abswitch-manager HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        . "Content-Type: application/x-www-form-urlencoded\r\n";
    my $next = sub { $ann->form(action => 'flip', side => $site->status->{switch}{weights}{A} ? 'B' : 'A') };
    my $chunked = sub ($text) { join('', map { "1\r\n$_\r\n" } split //, $text) . "0\r\n\r\n" };

    my $c = $site->client->connection;
    done $c->raw("${head}Transfer-Encoding: chunked\r\n\r\n" . $chunked->($next->()), 'POST'), 'chunked, in pieces of 1 byte';
    my $form = $next->();
    my $generation = $ann->generation;
    refused $site->client->raw("${head}Transfer-Encoding: chunked\r\n\r\n" . $chunked->("$form&note=" . 'x' x 4200), 'POST'),
        413, qr/more than 4096/, 'chunked, too long';
    is $ann->generation, $generation, 'nothing has changed';

    $form = $next->();
    my $open = $site->client->open;
    my $split = int(length($form) / 2);
    $open->send("${head}Content-Length: ${\ length $form}\r\n\r\n" . substr $form, 0, $split);
    is $site->client->get('/abswitch-status')->status, 200, 'while one is slow others are served';
    $open->send(substr $form, $split);
    done $open->response('POST'), 'in two halves';

    $form = $next->();
    $open = $site->client->open;
    $open->send("${head}Content-Length: ${\ (1 + length $form)}\r\n\r\n$form");
    shutdown $open->socket, 1;
    refused $open->response('POST'), 400, qr/whole form/, 'cut short';
    $open = $site->client->open;
    $open->send("${head}Transfer-Encoding: chunked\r\n\r\n" . ($chunked->($form) =~ s/0\r\n\r\n\z//r));
    shutdown $open->socket, 1;
    refused $open->response('POST'), 400, qr/whole form/, 'cut short, chunked';
    $open = $site->client->open;
    $open->send("${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    is $open->response('POST')->status, 400, 'not chunked at all';
    is $ann->generation, $generation + 1, 'only the whole one was done';

    $form = $next->();
    $open = $site->client->open;
    $open->send("${head}Expect: 100-continue\r\nContent-Length: ${\ length $form}\r\n\r\n");
    $open->send($form);
    done $open->response('POST'), 'Expect: 100-continue';
};

# --- two at once ------------------------------------------------------------------------------------------

subtest 'two at once' => sub {
    for my $round (1 .. 5) {
        my $generation = $ann->generation;
        my @forms = map { $ann->form(action => 'weights', weights => "A=$_ B=$round", generation => $generation) } 11 .. 16;
        my @open = map { $site->client->open } @forms;
        for my $i (0 .. $#forms) {
            $open[$i]->send("POST /abswitch-manager HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
                . "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${\ length $forms[$i]}\r\n\r\n");
        }
        $open[$_]->send($forms[$_]) for 0 .. $#forms;
        my %status;
        $status{ $_->response('POST')->status }++ for @open;
        is $status{200}, 1, "round $round: one wins" or diag explain \%status;
        is(($status{409} // 0) + ($status{503} // 0), $#forms, "round $round: the others do not");
        is $ann->generation, $generation + 1, "round $round: one generation";
    }
    my $form = $ann->form(action => 'flip', side => 'C');
    done $ann->send($form), 'an order';
    refused $ann->send($form), 409, qr/changed meanwhile/, 'the same twice';
};

subtest 'over a restart' => sub {
    my $before = $site->status;
    my $form = $ann->form(action => 'flip', side => 'A');
    $site->stop;
    $site->start;
    is_deeply $site->status->{switch}, $before->{switch}, 'the switch';
    is_deeply $site->status->{log}, $before->{log}, 'and the log';
    done $ann->send($form), 'a form from before is good';
};

# --- the manual -------------------------------------------------------------------------------------------

subtest 'the script of the manual' => sub {
    plan skip_all => "there is no $_ here" for grep { !which($_) } qw(curl jq);
    my ($script, $said) = slurp(repo('docs/manager.md')) =~ /^```sh\n(url=.*?)^```\n\n    (\{.*?\})\n/ms;
    my $side = $site->status->{switch}{weights}{A} ? 'B' : 'A';
    $script =~ s{http://localhost}{$site->origin}e;
    $script =~ s{side=B}{side=$side};
    my ($exit, $output) = run('sh', '-c', $script);
    is $exit, 0, 'it runs' or diag $output;
    my $generation = $site->status->{switch}{generation};
    is $output, $said =~ s/13/$generation/r . "\n", 'and says what the manual says';
    is_deeply [$site->status->{switch}{weights}{$side}, $site->status->{switch}{note}], [1, 'release 42'], 'it is done';
};

# --- who may ----------------------------------------------------------------------------------------------

subtest 'a manager without a Require' => sub {
    my $manager = 'SetHandler abswitch-manager';
    my @rows = (
        # said so, configuration
        [1, "<Location /m>\n$manager\n</Location>"],
        [1, "<Location \"/m\">\n$manager\n</Location>\n<Location /other>\nRequire local\n</Location>"],
        [1, "<Location /m>\n$manager\n</Location>\n<Location /m2>\nRequire local\n</Location>"],
        [1, "<Directory \"\${ROOT}/htdocs\">\nRequire all granted\n</Directory>\n<Location /m>\n$manager\n</Location>"],
        [1, "<LocationMatch ^/m\$>\nSetHandler \"abswitch-manager\"\n</LocationMatch>"],
        [0, "<Location /m>\n$manager\nRequire local\n</Location>"],
        [0, "<Location /m>\n$manager\nRequire all granted\n</Location>"],
        [0, "<Location /m>\n$manager\n<RequireAny>\nRequire local\n</RequireAny>\n</Location>"],
        [0, "<Location />\nRequire local\n</Location>\n<Location /m>\n$manager\n</Location>"],
        [0, "<Location \"/m\">\nRequire local\n</Location>\n<Location /m>\n$manager\n</Location>"],
        [0, "<LocationMatch m>\nRequire local\n</LocationMatch>\n<Location /m>\n$manager\n</Location>"],
        [0, "<Directory \"\${ROOT}/htdocs\">\nRequire local\n</Directory>\n<Location /m>\n$manager\n</Location>"],
        [0, '<Location /s>\nSetHandler abswitch-status\n</Location>' =~ s/\\n/\n/gr],
    );
    my $one = ABSwitch::Site->new;
    my $before = $one->{conf};
    for my $row (@rows) {
        my ($said, $conf) = @$row;
        $one->set_conf("$before\n$conf\n");
        $one->start;
        $one->stop;
        my $found = grep { /\[abswitch:warn\].*SetHandler abswitch-manager.*no Require for it/ } $one->{log}->news;
        is $found, $said, ($said ? 'warned: ' : 'not warned: ') . $conf =~ s/\n/ /gr;
    }
};

$site->log_is_clean;
done_testing;
