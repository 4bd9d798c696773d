#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The demo as `make demo` starts it, and a walk through it.

use v5.36;
use IO::Socket::INET;
use Test::More;
use ABSwitch::Demo;
use ABSwitch::ErrorLog;
use ABSwitch::Host qw(run slurp);
use ABSwitch::Manager;
use ABSwitch::Wait;

my $demo = ABSwitch::Demo->new(name => 'demo');

sub client ()  { return $demo->client }
sub browser () { return $demo->browser }
sub output ()  { return $demo->output }
sub side       { return $demo->side(@_) }

sub flip (@to) {
    return run($demo->dir . '/conf/demo/flip', @to);
}

# --- pages ------------------------------------------------------------------------------------------------

# A complete page: no include that failed, no variable that was empty, no tag left open.
sub is_whole ($response, $name) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $body = $response->body;
    is $response->status . ' ' . $response->header('Content-Type'), '200 text/html; charset=utf-8', "$name: a page";
    my @odd = $body =~ m{(\(none\)|\[an\ error\ .*?\]|<!--\#|\$\{?\w+|<(dd|dt|code|h1|b)>\s*</\g2>|\bundef\b)}xg;
    is_deeply \@odd, [], "$name: nothing is left over";
    my ($bare, %open) = $body =~ s{<!--.*?-->|<style>.*?</style>}{}gsr;
    $open{ lc $2 } += $1 ? -1 : 1 while $bare =~ m{<(/?)(\w+)\b[^>]*>}g;
    delete @open{qw(meta link input br path)};
    is_deeply { map { $_ => $open{$_} } grep { $open{$_} } keys %open }, {}, "$name: every element is closed";
    return $body;
}

# The panel "Your session" as a hash: what stands behind each term, without markup.
sub session_panel ($body) {
    my ($panel) = $body =~ m{<aside class="session".*?>(.*?)</aside>}s or return {};
    return { map { s/<[^>]*>//gr =~ s/\s+/ /gr =~ s/\A | \z//gr } $panel =~ m{<dt>(.*?)</dt><dd>(.*?)</dd>}gs };
}

# --- the demo ---------------------------------------------------------------------------------------------

ok $demo->start && $demo->is_running, 'it starts' or BAIL_OUT output();
my $port = $demo->port;
like output(), qr{http://127\.0\.0\.1:$port/$_$}m, "it names /$_" for qw(contact abswitch-status abswitch-manager);

my $anna = browser();
subtest 'the launchpad' => sub {
    my $r = client()->get('/');
    is_deeply [$r->status, $r->location], [302, "http://127.0.0.1:$port/contact"], 'the root leads there';
    $r = $anna->type_in('/contact');
    like is_whole($r, 'the launchpad'), qr{<form[^>]*method="post" action="/contact"}, 'a form to enter by';
    is_deeply [$r->cookies], [], 'no cookie for looking';
    like is_whole(client()->get("/contact?abswitch=$_"), $_), qr/class="note"/, "$_: a note says why one is here"
        for qw(expired closed);
    unlike client()->get('/contact?abswitch=%3Cscript%3E')->body, qr/class="note"|<script/, 'anything else says nothing';
    for my $link ($r->body =~ m{(?:href|src)="(/[^"]+)"}g) {
        is client()->get($link, Accept => 'text/html')->status, 200, "$link is there";
    }
};

subtest 'entering' => sub {
    my $r = $anna->post_form('/contact', '');
    is_deeply [$r->status, $r->location], [303, '/contact/A/'], 'a POST enters side A';
    like $anna->cookie('contact_since'), qr/\A\d\d:\d\d\z/, 'the clock at entering is a cookie of the demo';
    my $panel = session_panel(is_whole($anna->follow, 'the first page'));
    like $panel->{Side}, qr/\AA\z/, 'it shows the side';
    like $panel->{Whose}, qr/\Ayours: session [\w-]{6}\z/, 'whose session it is';
    is $panel->{Since}, $anna->cookie('contact_since'), 'since when';
    like $panel->{'May last'}, qr/\Auntil you log out, 8 hours/, 'how long it may last';
    like $panel->{'This request'}, qr/\Apass at \d\d:\d\d:\d\d\z/, 'and the decision';
    like is_whole($anna->click('/contact'), 'the launchpad again'), qr/or go on with\s+<a href="\/contact\/A\/"/,
        'the launchpad offers to go on';
    unlike $anna->click('/contact?abswitch=closed')->body, qr/or go on with/, 'but not after a closing';
    $anna->click('/contact/A/');
    is side('A')->{sessions}, 1, 'one session is counted';
};

subtest 'every page of both sides' => sub {
    for my $side (qw(A B)) {
        my $person = browser();
        for my $page ('', 'lists.shtml', 'lists.shtml?group=work', 'lists.shtml?group=friends', 'detail.shtml?id=1',
            'detail.shtml?id=6', 'detail.shtml?id=99', 'detail.shtml?id=%3Cscript%3E', 'saved.shtml') {
            my $body = is_whole($person->click("/contact/$side/$page"), "$side/$page");
            like $body, qr/side $side|version ${\($side eq 'A' ? 1 : 2)}/, "$side/$page: says which version it is";
            is session_panel($body)->{Side}, $side eq 'A' ? 'A' : 'B, which is draining', "$side/$page: the side";
        }
        my $saved = is_whole($person->post_form("/contact/$side/saved.shtml", 'note=x'), "$side: saving");
        like $saved, qr/Saved on side $side/, 'a form is taken';
        like is_whole($person->click("/contact/$side/logout"), "$side: logging out"), qr/Good-bye/, 'good-bye';
        is_deeply [map { $person->cookie($_) } qw(abswitch_contact contact_since)], [undef, undef], 'without cookies';
    }
    is client()->get("/demo-parts/session.shtml")->status, 403, 'the parts are no pages';
};

subtest 'the flip' => sub {
    my ($exit, $output) = flip('B');
    is $exit, 0, 'conf/demo/flip B' or diag $output;
    like $output, qr/gen=\d+ /, 'says what is in force';
    my $body = is_whole($anna->click('/contact/A/lists.shtml'), 'Anna\'s next page');
    like $body, qr/A new version is available/, 'a banner';
    my $panel = session_panel($body);
    is $panel->{Side}, 'A, which is draining', 'she stays on A';
    like $panel->{'May last'}, qr/\Aat most 8 hours more \(28[78]\d\d seconds\)\z/, 'for how long';

    my $carl = browser();
    $carl->type_in('/contact/A/lists.shtml?group=work');
    $body = is_whole($carl->follow, 'a bookmark of A');
    is $carl->page, '/contact/B/lists.shtml?group=work', 'leads somebody new to B';
    is session_panel($body)->{Since}, $carl->cookie('contact_since'), 'with a clock';
    $carl->click('/contact/lists.shtml');
    is_whole($carl->follow, 'an address without a side');
    is $carl->page, '/contact/B/lists.shtml', 'is found on B';

    $carl->type_in('/contact-test/A/');
    $panel = session_panel(is_whole($carl->follow, 'the tester\'s door'));
    like $panel->{Whose}, qr/, a tester’s\z/, 'a tester';
    is $carl->page, '/contact/A/', 'on A';
    $carl->type_in('/contact-test/off');
    is_whole($carl->follow, 'and out of it');
    is $carl->page, '/contact', 'to the launchpad';
    is +(flip('C'))[0], 2, 'there is no side C';
    is +(flip('A=75', 'B=25'))[0], 0, 'shares';
    is +(flip('B'))[0], 0, 'B again';
};

subtest 'the status page and the manager' => sub {
    for my $page (qw(/abswitch-status /abswitch-manager)) {
        my $body = is_whole(client()->get($page, Accept => 'text/html'), $page);
        like $body, qr/contact/, "$page names the application";
        is client()->get("$page?format=json")->json->{apps}[0]{app}, 'contact', "$page as data";
    }
    like client()->get('/abswitch-status?format=text')->body, qr/contact/, 'as text';
    my $manager = ABSwitch::Manager->new($demo);
    for my $side (qw(A B)) {
        ok $manager->order(action => 'flip', side => $side)->json->{ok}, "the manager flips to $side";
        is browser()->post_form('/contact', '')->location, "/contact/$side/", 'at once';
    }
    is side('A')->{drain}, 'draining', 'A drains while Anna is there';
    $anna->click('/contact/A/logout');
    wait_for 'A to be drained', 10, sub { ($_ = side('A')->{drain}) eq 'drained' };
};

subtest 'the end' => sub {
    $demo->stop('INT');
    like output(), qr/demo: stopping/, 'it says so';
    my @odd = ABSwitch::ErrorLog->new($demo->dir . "/build/demo/logs/error.log")->unexpected;
    is_deeply [grep { !m{client denied.*/demo/parts/session\.shtml} } @odd], [], 'the error log is clean';
    like slurp($demo->dir . "/build/demo/logs/access.log"), qr{"GET /contact/A/ HTTP/1.1" 200 side=A verdict=pass$}m,
        'the access log has sides and verdicts';

    ok $demo->start && $demo->is_running, 'it starts again' or diag output();
    is client()->post('/contact', '')->location, '/contact/B/', 'and remembers the flip';
    my ($exit, $output) = run('env', 'PORT=' . $demo->port, $demo->command);
    is $exit, 1, 'a second one on the same files refuses';
    like $output, qr/it runs already/, 'and says why';
    $demo->stop('TERM');
    ($exit, $output) = run('env', 'PORT=x', $demo->command);
    is $exit, 1, 'a port that is none';
    like $output, qr/port "x"/, 'is named';
};

subtest 'a tree that httpd\'s user cannot enter' => sub {
    plan skip_all => 'only root has another user for httpd' if $> != 0;
    $demo = ABSwitch::Demo->new(name => 'demo', mode => 0700);
    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
    ok $demo->start($taken->sockport) && !$demo->is_running, 'a port that is taken';
    like output(), qr/port \d+ is taken.*make demo PORT=\d+/, 'is named, with another';
    ok $demo->start && $demo->is_running, 'it starts' or diag output();
    my $elsewhere = readlink $demo->dir . "/build/demo";
    is_whole(browser()->type_in('/contact'), 'the launchpad');
    is_whole(browser()->click('/contact/A/'), 'side A');
    is +(flip('B'))[0], 0, 'the flip';
    $demo->stop('INT');
    like $elsewhere, qr{\A/tmp/abswitch-demo\.}, 'from a place outside' and run('rm', '-rf', $elsewhere);
};

done_testing;
