#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The manager in a real browser: a flip by click, a second tab that is behind, no scripts, no mouse, a telephone.

use v5.36;
use utf8;
use Test::More;
use Time::HiRes qw(time);
use ABSwitch::Axe;
use ABSwitch::Chromium;
use ABSwitch::Manager;
use ABSwitch::Site;
use ABSwitch::Wait;

plan skip_all => $_ for ABSwitch::Chromium->missing;
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $site = ABSwitch::Site->new(sides => [qw(A B C)], conf => ABSwitch::Manager::OPEN)->start;
my $page = $site->origin . '/abswitch-manager';
my $chromium = ABSwitch::Chromium->new;
my $ann = $chromium->person;
my $script = ABSwitch::Manager->new($site);

# The control of that title: a CSS selector within it.
sub in_order ($person, $title, $css) {
    $person->run(<<'JS', $title) or die "no control '$title'";
document.querySelectorAll('[data-test]').forEach(e => e.removeAttribute('data-test'));
const one = [...document.querySelectorAll('details')].find(d => d.querySelector('summary').textContent == arguments[0]);
if (one) one.dataset.test = 1;
return !!one;
JS
    return "details[data-test] $css";
}

# Opens that control. The page may refresh between the look and the click.
sub open_order ($person, $title) {
    for my $attempt (1 .. 5) {
        return if eval { $person->click(in_order($person, $title, 'summary')); 1 };
        die $@ if $attempt == 5;
    }
    return;
}

sub generation () { return $site->status->{switch}{generation} }

# True when the page in front shows this generation.
sub shows ($person, $generation) {
    return poll(10, sub { eval { $person->text('.record') =~ /\AGeneration $generation\b/ } });
}

subtest 'a flip by click' => sub {
    my @people = map { my $b = $site->browser; $b->type_in('/contact'); $b->follow; $b->click('/contact/A/'); $b } 1 .. 2;
    $ann->visit($page);
    like $ann->text('.lead'), qr/\ANew sessions land on A\.\z/, 'before';
    open_order($ann, 'Flip to B');
    my $says = $ann->text(in_order($ann, 'Flip to B', 'ul'));
    like $says, qr/New sessions land on B\./, 'where newcomers will land';
    like $says, qr/2 people on A stay there until they leave, or until [\d: -]+ at the latest\./, 'what becomes of whom';
    is generation(), 0, 'nothing has happened yet';
    $ann->type(in_order($ann, 'Flip to B', 'input[name=note]'), 'Grüße, <b>release 42</b>');
    $ann->click(in_order($ann, 'Flip to B', 'button'));
    ok shows($ann, 1), 'the page comes back';
    is $ann->path, '/abswitch-manager', 'by a GET';
    like $ann->text('.lead'), qr/\ANew sessions land on B\.\z/, 'with the new state';
    like $ann->text('.record'), qr/by 127\.0\.0\.1: “Grüße, <b>release 42<\/b>”/, 'and who and why';
    is_deeply [$site->status->{switch}->@{qw(generation note)}], [1, 'Grüße, <b>release 42</b>'], 'so says the switch';
    $ann->reload;
    is generation(), 1, 'a reload does not send it again';
};

subtest 'a second tab that is behind' => sub {
    my $bob = $chromium->person;
    $bob->visit("$page?app=contact");
    open_order($bob, 'Close A');
    ok $script->order(action => 'flip', side => 'C')->json->{ok}, 'somebody else is faster';
    $bob->click(in_order($bob, 'Close A', 'button'));
    poll(10, sub { $bob->title =~ /Not done/ });
    is $bob->text('h1'), 'Not done', 'the tab is told';
    like $bob->text('.lead'), qr/\AThe switch has been changed meanwhile.*generation 2\)\.\z/, 'why';
    is generation(), 2, 'nothing was done';
    is_deeply $site->status->{switch}{closed}, [], 'A is not closed';
    $bob->click('main a');
    ok shows($bob, 2), 'one click leads to how it stands now';
    is $bob->path, '/abswitch-manager?app=contact', 'in the same view';
    $bob->quit;
};

subtest 'the page refreshes, but not under somebody\'s hands' => sub {
    $ann->visit($page);
    $script->order(action => 'flip', side => 'A');
    ok shows($ann, 3), 'by itself, while nobody does anything';
    open_order($ann, 'Share out new sessions');
    $ann->type(in_order($ann, 'Share out new sessions', 'input[name=note]'), 'half a sen');
    $ann->run('window.stays = 1');
    $script->order(action => 'flip', side => 'B');
    # longer than a refresh takes: what must not happen has to be waited for
    my ($looks, @gone) = watch(6, sub { grep { !$_ } $ann->run('return window.stays') });
    ok !@gone, 'not while a control is open';
    is $ann->run('return document.activeElement.value'), 'half a sen', 'what was typed is there';
    $ann->click(in_order($ann, 'Share out new sessions', 'button'));
    poll(10, sub { $ann->title =~ /Not done/ });
    is generation(), 4, 'and is not sent on what the page did not show';
};

subtest 'with the keyboard alone' => sub {
    $ann->visit("$page?refresh=off");
    $ann->run(<<'JS');
[...document.querySelectorAll('summary')].find(s => s.textContent == 'Flip to C').focus();
JS
    my $key = sub (@keys) {
        for my $key (@keys) {
            $ann->devtools('Input.dispatchKeyEvent', %$key, type => $_) for 'keyDown', 'keyUp';
        }
    };
    my $enter = { key => 'Enter', code => 'Enter', text => "\r", windowsVirtualKeyCode => 13 };
    my $tab = { key => 'Tab', code => 'Tab', windowsVirtualKeyCode => 9 };
    $key->($enter, $tab);
    is $ann->run('return document.activeElement.name'), 'note', 'Enter opens, Tab leads to the note';
    is $ann->run('const s = getComputedStyle(document.activeElement); return s.outlineStyle + " " + s.outlineWidth'),
        'solid 3px', 'and the focus is seen';
    $key->($tab);
    is $ann->run('return document.activeElement.textContent'), 'Flip to C now', 'then to the button';
    $key->($enter);
    ok shows($ann, 5), 'Enter does it';
    is $site->status->{switch}{weights}{C}, 1, 'C has it';
};

subtest 'without scripts' => sub {
    my $carl = $chromium->person->without_scripts;
    $carl->visit($page);
    is $carl->run('return typeof window.nothing'), 'undefined', 'the driver still sees the page';
    my $flip = in_order($carl, 'Flip to A', 'summary');
    $carl->click($flip);
    $carl->type(in_order($carl, 'Flip to A', 'input[name=note]'), 'by hand');
    $carl->click(in_order($carl, 'Flip to A', 'button'));
    ok shows($carl, 6), 'a flip works as well';
    is $site->status->{switch}{note}, 'by hand', 'with its note';
    is $carl->text('noscript a'), 'Reload', 'the page says that it stands still';
    $carl->quit;
};

subtest 'on a telephone' => sub {
    my $dora = $chromium->person->on_a_telephone;
    for my $path ('/abswitch-manager', '/abswitch-status') {
        $dora->visit($site->origin . "$path?refresh=off");
        $dora->run('document.querySelectorAll("details").forEach(d => d.open = true)');
        is_deeply $dora->run('return [innerWidth, document.documentElement.scrollWidth]'), [360, 360],
            "$path: nothing stands out to the side";
    }
    $dora->visit("$page?refresh=off");
    my $small = $dora->run(<<'JS');
return [...document.querySelectorAll('summary, button, input:not([type=hidden])')].map(e => {
    e.closest('details').open = true;
    return [e.textContent || e.name, e.getBoundingClientRect().height];
}).filter(e => e[1] < 36).map(e => e.join(' '));
JS
    is_deeply $small, [], 'what is to be touched is large enough';
    $dora->click(in_order($dora, 'Flip to B', 'summary')) for 1 .. 2;
    $dora->click(in_order($dora, 'Flip to B', 'button'));
    ok shows($dora, 7), 'a flip by thumb';
    $dora->quit;
};

# Another site's page, which knows everything but the reader's own origin; even a key that is good.
subtest 'from another site' => sub {
    my $generation = generation();
    my $form = join '', map { qq(<input name="$_->[0]" value="$_->[1]">) } ['app', 'contact'], ['action', 'flip'],
        ['side', 'A'], ['generation', $generation], ['token', $script->key];
    $site->write('htdocs/evil.html', qq(<!doctype html><title>evil</title><iframe src="$page"></iframe>)
        . qq(<form method="post" action="$page">$form<button>win</button></form>));
    my $fred = $chromium->person;
    $fred->visit($site->origin =~ s/127\.0\.0\.1/localhost/r . '/evil.html');
    $fred->frame('iframe');
    like $fred->run('return location.href'), qr/\Achrome-error:/, 'the manager cannot be framed';
    $fred->frame->click('button');
    poll(10, sub { $fred->title =~ /Not done/ });
    like $fred->text('.lead'), qr/\AThe form comes from another site/, 'nor ordered by its form';
    is generation(), $generation, 'nothing has changed';
    $fred->quit;
};

subtest 'what a checker of accessibility finds' => sub {
    my $axe = ABSwitch::Axe->source or plan skip_all => ABSwitch::Axe->missing;
    $script->order(action => 'close', side => 'C');
    my $eve = $chromium->person(height => 2000);
    for my $dark (0, 1) {
        my $person = $dark ? $chromium->person(dark => 1, height => 2000) : $eve;
        for my $path ('/abswitch-manager', '/abswitch-status') {
            $person->visit($site->origin . "$path?refresh=off");
            $person->run('document.querySelectorAll("details").forEach(d => d.open = true)');
            is_deeply [ABSwitch::Axe->findings($person)], [], $path . ($dark ? ', dark' : '');
        }
        $person->visit("$page?refresh=off");
        $person->run('document.querySelector("form [name=generation]").value = 0; document.querySelector("form").submit()');
        poll(10, sub { $person->title =~ /Not done/ });
        is_deeply [ABSwitch::Axe->findings($person)], [], 'the page of a refusal' . ($dark ? ', dark' : '');
    }
};

$site->log_is_clean;
done_testing;
