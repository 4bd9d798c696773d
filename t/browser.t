#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# A whole upgrade as people with a real browser live through it. Every page says what the server saw and decided.

use v5.36;
use Digest::SHA qw(sha1_base64);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use ABSwitch::Chromium;
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait;

plan skip_all => $_ for ABSwitch::Chromium->missing;

# --- an application ---------------------------------------------------------------------------------------

# One page under every name: what can be done on it, and how the server saw the request for it.
my $PAGE = <<'HTML';
<!doctype html><html lang="en"><meta charset="utf-8"><title><!--#echo var="REQUEST_URI" --></title>
<link rel="icon" href="data:,">
<body data-verdict="<!--#echo var="ABSWITCH_VERDICT" -->" data-side="<!--#echo var="ABSWITCH_SIDE" -->"
 data-draining="<!--#echo var="ABSWITCH_DRAINING" -->" data-method="<!--#echo var="REQUEST_METHOD" -->"
 data-referer="<!--#echo var="HTTP_REFERER" -->" data-origin="<!--#echo var="HTTP_ORIGIN" -->"
 data-site="<!--#echo var="HTTP_SEC_FETCH_SITE" -->" data-mode="<!--#echo var="HTTP_SEC_FETCH_MODE" -->">
<p><a id="link" href="linked">link</a> <a id="noreferrer" href="plain" rel="noreferrer">noreferrer</a>
<a id="tab" href="tabbed" target="_blank">new tab</a> <a id="ping" href="pinged" ping="ping">ping</a>
<a id="silent" href="silent">no-referrer page</a> <a id="logout" href="logout">log out</a></p>
<form id="get" action="search"><input name="q" value="Kölner Straße"><button>search</button></form>
<form id="post" method="post" action="save"><input name="note" value="x"><button>save</button></form>
HTML

my $LAUNCHPAD = <<'HTML';
<!doctype html><html lang="en"><meta charset="utf-8"><title>welcome</title><link rel="icon" href="data:,">
<form method="post" action="/contact"><button id="enter">Enter</button></form>
HTML

# A back end for WebSockets that says what it hears until it hears a closing frame. Returns its pid and port.
sub echo_server () {
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die $!;
    my $pid = fork // die "fork: $!";
    return ($pid, $listener->sockport) if $pid;
    local $SIG{TERM} = 'DEFAULT';
    while (my $client = $listener->accept) {
        my ($head, $frame) = ('', '');
        1 while $head !~ /\r\n\r\n/ && sysread $client, $head, 4096, length $head;
        my ($key) = $head =~ /^Sec-WebSocket-Key: (\S+)/mi or next;
        my $accept = sha1_base64("${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . '=';
        syswrite $client, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            . "Sec-WebSocket-Accept: $accept\r\n\r\n";
        while (sysread $client, $frame, 4096) {
            my ($first, $length, $mask, $text) = unpack 'CCa4a*', $frame;
            last if ($first & 15) == 8;
            syswrite $client, pack('CC', 0x81, $length & 127) . ($text ^. substr $mask x 32, 0, length $text);
        }
        syswrite $client, pack 'CC', 0x88, 0;
    }
    POSIX::_exit(0);
}

# A page elsewhere on the site, which has Chromium prerender its link.
my $NEWS = <<'HTML';
<!doctype html><html lang="en"><meta charset="utf-8"><title>news</title><link rel="icon" href="data:,">
<script type="speculationrules">
{ "prerender": [{ "source": "list", "urls": ["/contact/A/news?x=2"], "eagerness": "immediate" }] }
</script>
<a id="link" href="/contact/A/news?x=2">contacts</a>
HTML

my ($echo, $echo_port) = echo_server();
END { kill 'TERM', $echo if $echo }

my $site = ABSwitch::Site->new(
    launchpad => '/contact page=/welcome.html',
    modules => ['proxy_wstunnel'],
    app => "ABSwitchLogout /logout\nABSwitchClearCookies JSESSIONID",
    conf => <<"CONF");
ProxyPass /contact/A/socket ws://127.0.0.1:$echo_port/
AddType text/javascript .js
AliasMatch "^/contact/([AB])/worker\\.js\$" "\${ROOT}/htdocs/worker.js"
AliasMatch "^/contact/([AB])/\\w*\$" "\${ROOT}/htdocs/page.shtml"
SSIUndefinedEcho none
<LocationMatch "^/contact/[AB]/silent\$">
    Header set Referrer-Policy no-referrer
</LocationMatch>
<Location /contact/A/>
    Header add Set-Cookie "JSESSIONID=a; Path=/contact/A; HttpOnly" "expr=%{HTTP_COOKIE} !~ /JSESSIONID/"
</Location>
CONF
$site->write('htdocs/page.shtml', $PAGE);
$site->write('htdocs/welcome.html', $LAUNCHPAD);
$site->write('htdocs/news.html', $NEWS);
$site->write('htdocs/worker.js', "addEventListener('fetch', e => e.respondWith(fetch(e.request)));\n");
$site->start;

my $chromium = ABSwitch::Chromium->new;
my $origin = $site->origin;
my $anna = $chromium->person;

# --- what can be asked ------------------------------------------------------------------------------------

# This person has come to this page and the server has decided so; more of what it saw, if wanted.
sub on_page ($person, $path, $verdict, $name, %seen) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $person->arrives($path);
    is $person->path, $path, "$name: the page";
    my $data = $person->run('return {...document.body.dataset}');
    my ($side) = $path =~ m{/([AB])/};
    %seen = (verdict => $verdict, side => $side, %seen);
    is_deeply { map { $_ => $data->{$_} } keys %seen }, \%seen, "$name: the decision" or diag explain $data;
    return;
}

# The access log's last line of a request that begins so, as soon as it is there; its status and verdict.
sub logged_as ($request, $status, $verdict, $name) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $line = {};
    poll(5, sub {
        $line = (grep { $_->{request} =~ m{\A\Q$request\E(?: |\?)} } $site->access_log)[-1] // {};
        ($line->{status} // '') eq $status;
    });
    is_deeply [@$line{qw(status verdict)}], [$status, $verdict], $name;
    return;
}

sub counts_are ($sessions_a, $sessions_b, $name) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %side = map { $_->{side} => $_ } $site->status->{sides}->@*;
    is_deeply [map { $_->{sessions} } @side{qw(A B)}], [$sessions_a, $sessions_b], $name;
    ok $side{$_}{exact}, "$name: exact on $_" for qw(A B);
    return;
}

# --- one noon ---------------------------------------------------------------------------------------------

subtest 'entering' => sub {
    $anna->visit("$origin/contact");
    is $anna->title, 'welcome', 'the launchpad shows its page';
    is_deeply [$anna->cookies], [], 'which hands out nothing';
    counts_are(0, 0, 'nobody is counted for looking at it');
    $anna->click('#enter');
    on_page($anna, '/contact/A/', 'pass', 'entered', draining => 'none', method => 'GET');
    logged_as('POST /contact', 303, 'launchpad', 'by a 303');

    my $cookie = $anna->cookie('abswitch_contact');
    is_deeply [@$cookie{qw(path sameSite expiry)}, map { $_ ? 1 : 0 } @$cookie{qw(httpOnly secure)}],
        ['/contact', 'Lax', undef, 1, 0], 'the cookie as the browser keeps it';
    is read_token($cookie->{value}, secret => ABSwitch::Site->SECRET, app => 'contact')->{side}, 'A', 'a token for A';
    is $anna->run('return document.cookie'), '', 'scripts do not see it';
    counts_are(1, 0, 'Anna is counted');
};

subtest 'the switch flips' => sub {
    $site->flip('B');
    is $site->side('A')->{state}, 'draining', 'A is draining';
    $anna->click('#link');
    on_page($anna, '/contact/A/linked', 'pass', 'a link', draining => 1, referer => "$origin/contact/A/");
};

my $first = scalar(() = $site->access_log);

subtest 'Anna stays on A: pages' => sub {
    $anna->reload;
    on_page($anna, '/contact/A/linked', 'pass', 'reload');
    $anna->click('#noreferrer');
    on_page($anna, '/contact/A/plain', 'pass', 'a noreferrer link', referer => 'none');
    $anna->reload;
    on_page($anna, '/contact/A/plain', 'pass', 'its reload', referer => 'none');
    $anna->click('#get button');
    on_page($anna, '/contact/A/search?q=K%C3%B6lner+Stra%C3%9Fe', 'pass', 'a GET form');
    $anna->click('#post button');
    on_page($anna, '/contact/A/save', 'pass', 'a POST form', method => 'POST', origin => $origin);
    $anna->back;
    on_page($anna, '/contact/A/search?q=K%C3%B6lner+Stra%C3%9Fe', 'pass', 'back');
    $anna->back;
    on_page($anna, '/contact/A/plain', 'pass', 'back again');
    $anna->forward;
    on_page($anna, '/contact/A/search?q=K%C3%B6lner+Stra%C3%9Fe', 'pass', 'forward');
    $anna->visit("$origin/contact/A/typed?x=1");
    on_page($anna, '/contact/A/typed?x=1', 'pass', 'typed', referer => 'none', site => 'none');
    $anna->reload;
    on_page($anna, '/contact/A/typed?x=1', 'pass', 'its reload');
    $anna->run('location = "assigned"');
    on_page($anna, '/contact/A/assigned', 'pass', 'a script that goes elsewhere');
    counts_are(1, 0, 'still one');
};

subtest 'Anna stays on A: a page with Referrer-Policy no-referrer' => sub {
    $anna->click('#silent')->click('#link');
    on_page($anna, '/contact/A/linked', 'pass', 'a link', referer => 'none', site => 'same-origin');
    $anna->click('#silent')->click('#post button');
    on_page($anna, '/contact/A/save', 'pass', 'a form', referer => 'none', origin => 'null', method => 'POST');
    $anna->click('#silent');
    is $anna->run('return fetch("quiet").then(r => r.headers.get("X-Verdict"))'), 'pass', 'fetch';
    counts_are(1, 0, 'still one');
};

subtest 'Anna stays on A: scripts' => sub {
    my $verdict = '.then(r => r.status + " " + r.redirected + " " + r.headers.get("X-Verdict"))';
    for my $fetch ('"data"', '"data", {method: "POST", body: new FormData(document.querySelector("#post"))}',
        '"data", {method: "DELETE"}', '"data", {headers: {Accept: "text/html"}}',
        '"data", {referrerPolicy: "no-referrer"}',
        '"data", {method: "POST", referrer: "", body: new URLSearchParams("a=b")}') {
        my $status = $fetch =~ /DELETE/ ? 405 : 200;
        is $anna->run("return fetch($fetch)$verdict"), "$status false pass", "fetch($fetch)";
    }
    is $anna->run(<<'JS'), '200 pass', 'XMLHttpRequest';
return new Promise(done => {
    const x = new XMLHttpRequest();
    x.open('GET', 'xhr');
    x.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
    x.onload = () => done(x.status + ' ' + x.getResponseHeader('X-Verdict'));
    x.send();
})
JS
    ok $anna->run('return navigator.sendBeacon("beacon", "x")'), 'sendBeacon';
    logged_as('POST /contact/A/beacon', 200, 'pass', 'passes');
    $anna->click('#ping');
    on_page($anna, '/contact/A/pinged', 'pass', 'a link with a ping');
    logged_as('POST /contact/A/ping', 200, 'pass', 'which passes');

    is $anna->run(<<'JS'), 'activated', 'a service worker';
const r = await navigator.serviceWorker.register('worker.js');
const w = r.installing || r.waiting || r.active;
while (w.state != 'activated') await new Promise(done => setTimeout(done, 20));
return w.state;
JS
    $anna->visit("$origin/contact/A/worked");
    on_page($anna, '/contact/A/worked', 'pass', 'a page through it');
    ok $anna->run('return !!navigator.serviceWorker.controller'), 'it was in charge';
    $anna->run('for (const r of await navigator.serviceWorker.getRegistrations()) await r.unregister()');
    counts_are(1, 0, 'still one');
};

subtest 'Anna stays on A: frames, windows, tabs' => sub {
    $anna->visit("$origin/contact/A/framing");
    $anna->run(<<'JS');
const f = document.createElement('iframe');
f.src = 'framed';
await new Promise(done => { f.onload = done; document.body.append(f); });
JS
    $anna->frame('iframe');
    is $anna->run('return document.body.dataset.verdict + document.location.pathname'), 'pass/contact/A/framed',
        'an iframe';
    $anna->click('#link');
    poll(5, sub { $anna->run('return location.pathname') eq '/contact/A/linked' });
    is $anna->run('return document.body.dataset.verdict + document.location.pathname'), 'pass/contact/A/linked',
        'a link within it';
    $anna->frame;
    for my $open (
        ['a link to a new tab', 'tabbed', sub { $anna->click('#tab') }],
        ['window.open', 'opened', sub { $anna->run('window.open("opened"); return') }],
        ['window.open, noreferrer', 'hushed', sub { $anna->run('window.open("hushed", "", "noreferrer"); return') }],
    ) {
        my ($name, $page, $block) = @$open;
        my $before = $anna->popup($block);
        on_page($anna, "/contact/A/$page", 'pass', $name);
        $anna->close_window($before);
    }
    my $before = $anna->window;
    $anna->new_tab->visit("$origin/contact/A/second");
    on_page($anna, '/contact/A/second', 'pass', 'typed into a new tab');
    $anna->close_window($before);
    counts_are(1, 0, 'still one');
};

subtest 'a WebSocket' => sub {
    wait_for 'nothing to be in flight', 5, sub { ($_ = $site->side('A')->{in_flight}) == 0 };
    is $anna->run(<<'JS'), 'hello', 'opens and talks';
const w = window.socket = new WebSocket(location.origin.replace('http', 'ws') + '/contact/A/socket');
return new Promise((done, broken) => {
    w.onopen = () => w.send('hello');
    w.onmessage = e => done(e.data);
    w.onclose = w.onerror = () => broken('closed');
});
JS
    is $site->side('A')->{in_flight}, 1, 'is one request in flight';
    is $anna->run('return fetch("data").then(r => r.text()).then(t => 1)'), 1, 'another comes and goes';
    wait_for 'one to be left', 2, sub { ($_ = $site->side('A')->{in_flight}) == 1 };
    $anna->run('socket.onclose = socket.onerror = null; socket.close()');
    wait_for 'its end to be noticed', 5, sub { ($_ = $site->side('A')->{in_flight}) == 0 };
    logged_as('GET /contact/A/socket', 101, 'pass', 'it passed');
    counts_are(1, 0, 'still one');
};

subtest 'the whole of it' => sub {
    my @lines = ($site->access_log)[$first .. scalar(() = $site->access_log) - 1];
    my @below = grep { $_->{request} =~ m{ /contact/} } @lines;
    cmp_ok scalar @below, '>=', 30, 'requests of Anna';
    is_deeply [grep { $_->{verdict} ne 'pass' || $_->{status} !~ /\A(?:200|101|405)\z/ } @below], [],
        'each of them passed';
    is_deeply [grep { $_->{side} ne 'A' } @below], [], 'on A';
};

my $berta = $chromium->person;

subtest 'a bookmark of somebody new' => sub {
    $berta->visit("$origin/contact/A/lists?group=Stra%C3%9Fe&page=2#row7");
    on_page($berta, '/contact/B/lists?group=Stra%C3%9Fe&page=2', 'pass', 'lands on B',
        draining => 'none', referer => 'none');
    like $berta->url, qr/#row7\z/, 'fragment and all';
    logged_as('GET /contact/A/lists', 302, 'bookmark', 'by a 302');
    counts_are(1, 1, 'two people');
};

my $carl = $chromium->person;

subtest 'somebody new at the launchpad' => sub {
    $carl->visit("$origin/contact")->click('#enter');
    on_page($carl, '/contact/B/', 'pass', 'lands on B');
    counts_are(1, 2, 'three people');
    $carl->visit("$origin/contact/A/lists?x=1");
    on_page($carl, '/contact/B/lists?x=1', 'pass', 'whose bookmark of A leads home');
    $anna->visit("$origin/contact/B/lists?x=1");
    on_page($anna, '/contact/A/lists?x=1', 'pass', 'as Anna\'s of B does');
    counts_are(1, 2, 'nobody has moved');
};

# Chromium's bookmark bar cannot be clicked from here: its request by its header.
subtest 'a prerendered bookmark' => sub {
    my @bar = (
        'Sec-Purpose' => 'prefetch;prerender', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Site' => 'none',
        'Sec-Fetch-Dest' => 'document', 'Accept' => 'text/html,application/xhtml+xml,*/*;q=0.8');
    my $before = $site->status->{verdicts}{prefetch};
    for my $path ('/contact/A/lists?x=1', '/contact/B/lists?x=1') {
        my $r = $site->client->get($path, @bar);
        is_deeply [$r->status, scalar $r->header('X-Verdict'), [$r->cookies], $r->location],
            [503, 'prefetch', [], undef], "$path of nobody: 503 and nothing else";
    }
    my $token = $anna->cookie('abswitch_contact')->{value};
    is $site->client->get('/contact/A/', @bar, Cookie => "abswitch_contact=$token")->status, 200,
        'of Anna, on her own side: the page';
    is $site->status->{verdicts}{prefetch} - $before, 2, 'two of them are told apart';
    counts_are(1, 2, 'nobody is counted for them');
};

subtest 'a link that the browser prerenders' => sub {
    my $emil = $chromium->person;
    $emil->visit("$origin/news.html");
    logged_as('GET /contact/A/news', 503, 'prefetch', 'somebody new: 503');
    counts_are(1, 2, 'nobody is counted yet');
    $emil->click('#link');
    on_page($emil, '/contact/B/news?x=2', 'pass', 'the click itself lands on B');
    logged_as('GET /contact/A/news', 302, 'bookmark', 'by a 302');
    counts_are(1, 3, 'now he is');

    $anna->visit("$origin/contact/A/start")->run(<<'JS');
const s = document.createElement('script');
s.type = 'speculationrules';
s.textContent = '{"prerender": [{"source": "list", "urls": ["ahead"], "eagerness": "immediate"}]}';
document.querySelector('#link').href = 'ahead';
document.head.append(s);
JS
    logged_as('GET /contact/A/ahead', 200, 'pass', 'Anna on her own side: the page');
    $anna->click('#link');
    on_page($anna, '/contact/A/ahead', 'pass', 'where she then is');
    counts_are(1, 3, 'nobody has moved');
};

subtest 'logout' => sub {
    is scalar(grep { $_->{name} eq 'JSESSIONID' } $anna->cookies), 1, 'there is a session of the application';
    $anna->click('#logout');
    on_page($anna, '/contact/A/logout', 'logout', 'the application answers it');
    is_deeply [$anna->cookies], [], 'no cookie is left';
    counts_are(0, 3, 'Anna is not counted any more');
    $anna->click('#link');
    on_page($anna, '/contact/A/linked', 'adopt', 'whoever goes on working there begins anew');
    $anna->click('#link');
    on_page($anna, '/contact/A/linked', 'pass', 'and stays');
    counts_are(1, 3, 'counted again');
};

subtest 'side A closes' => sub {
    my $first_tab = $anna->window;
    $anna->new_tab->visit("$origin/contact/A/second");
    my $now = time;
    $site->flip('A=0 B=1 gen=' . ($site->status->{switch}{generation} + 1) . " at=$now by=anna since=A:$now closed=A");
    is $site->side('A')->{state}, 'closed', 'by the switch file';
    counts_are(0, 3, 'its sessions have ended');
    is $anna->run('return fetch("data").then(r => r.status + " " + r.headers.get("ABSwitch-Reason"))'), '403 closed',
        'a script is told';
    $anna->click('#post button');
    $anna->arrives('/contact?abswitch=closed');
    is $anna->path . ' ' . $anna->title, '/contact?abswitch=closed welcome', 'a form leads to the launchpad';
    $anna->close_window($first_tab)->click('#get button');
    on_page($anna, '/contact/B/search?q=K%C3%B6lner+Stra%C3%9Fe', 'pass', 'a link leads to B');
    logged_as('GET /contact/A/search', 302, 'closed', 'by a 302');
    counts_are(0, 4, 'everybody is on B');
    wait_for 'nothing to be in flight on A', 5, sub { ($_ = $site->side('A')->{in_flight}) == 0 };
};

$site->log_is_clean;
done_testing;
