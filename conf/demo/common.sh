# SPDX-License-Identifier: Apache-2.0
# What conf/demo/run and conf/demo-cluster/run share: where httpd is, as whom it serves, where the
# demo's files are, and how a server is started. For sh, to be sourced; $here is set.
# shellcheck shell=sh disable=SC2034 # what is set here is used there

fail()
{
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# check_port PORT LAST   it and those up to PORT + LAST can be ports
check_port()
{
    case $1 in
        '' | *[!0-9]* | ??????*) fail "the port \"$1\" is not a number from 1 to 65535" ;;
    esac
    if [ "$1" -lt 1 ] || [ "$(($1 + $2))" -gt 65535 ]; then
        fail "the port \"$1\" is not a number from 1 to $((65535 - $2))"
    fi
}

# Sets $module, $libexec and $httpd: apxs knows its own httpd.
find_httpd()
{
    module=$top/build/mod_abswitch.so
    [ -f "$module" ] || fail "build/mod_abswitch.so is not there yet; run \"make\" first"
    apxs=${APXS:-$(command -v apxs || command -v apxs2 || true)}
    [ -n "$apxs" ] || fail "apxs not found; Debian, Ubuntu: apt-get install apache2-dev"
    libexec=$("$apxs" -q LIBEXECDIR)
    httpd=$("$apxs" -q SBINDIR)/$("$apxs" -q PROGNAME)
    [ -x "$httpd" ] || httpd=$(command -v apache2 || command -v httpd || true)
    [ -n "$httpd" ] || fail "httpd not found (Debian, Ubuntu: apt-get install apache2)"
}

# Sets $user and $group. As root httpd needs another user to serve as, and that one must be able to
# get at the files.
find_user()
{
    user=$(id -un)
    group=$(id -gn)
    [ "$(id -u)" -eq 0 ] || return 0
    user=
    for u in www-data apache daemon nobody; do
        if id "$u" >/dev/null 2>&1; then
            user=$u
            group=$(id -gn "$u")
            break
        fi
    done
    [ -n "$user" ] || fail "none of the users www-data, apache, daemon and nobody exists"
}

may_read()
{
    [ "$(id -u)" -eq 0 ] || return 0
    # shellcheck disable=SC2016 # $1 is the inner shell's
    su -s /bin/sh "$user" -c 'test -r "$1"' sh "$1" </dev/null >/dev/null 2>&1
}

# make_root NAME   build/NAME for the demo's files; sets $root and $htdocs.
make_root()
{
    demo=$top/build/$1
    mkdir -p "$top/build"
    htdocs=$top/htdocs
    if may_read "$htdocs/demo/A/index.shtml" && may_read "$top/build/."; then
        [ ! -L "$demo" ] || rm "$demo"
        mkdir -p "$demo"
    else
        # The clone lies where $user cannot go (/root, a closed home): build/NAME leads outside.
        if [ ! -L "$demo" ] || [ -z "$(find "$demo/." -prune -user 0 2>/dev/null)" ]; then
            rm -rf "$demo"
            ln -s "$(mktemp -d /tmp/abswitch-demo.XXXXXX)" "$demo"
            chmod 755 "$demo/."
        fi
        rm -rf "$demo/htdocs"
        cp -R "$htdocs" "$demo/htdocs"
        htdocs=$demo/htdocs
    fi
    root=$(cd "$demo" && pwd -P)
    [ "$htdocs" = "$top/htdocs" ] || htdocs=$root/htdocs
    [ -w "$root" ] || fail "$root belongs to another user; remove it, or run the demo as that user"
}

quote()
{
    printf '%s\n' "$1" | sed 's/[&|\\]/\\&/g'
}

# fill TEMPLATE DIR PORT   writes DIR/httpd.conf and has httpd read it
fill()
{
    mkdir -p "$2/logs" "$2/run"
    sed -e "s|@ROOT@|$(quote "$2")|g" -e "s|@HTDOCS@|$(quote "$htdocs")|g" \
        -e "s|@LIBEXEC@|$(quote "$libexec")|g" -e "s|@MODULE@|$(quote "$module")|g" \
        -e "s|@PORT@|$3|g" -e "s|@USER@|$user|g" -e "s|@GROUP@|$group|g" \
        -e "s|@WEB1@|$((port + 1))|g" -e "s|@WEB2@|$((port + 2))|g" -e "s|@WEB3@|$((port + 3))|g" \
        "$1" >"$2/httpd.conf"
    if ! "$httpd" -t -f "$2/httpd.conf" >"$2/logs/start.log" 2>&1; then
        cat "$2/logs/start.log" >&2
        fail "httpd does not accept $2/httpd.conf"
    fi
}

# refuse_second DIR   ends here if a httpd of DIR runs
refuse_second()
{
    if [ -s "$1/run/httpd.pid" ] && kill -0 "$(cat "$1/run/httpd.pid")" 2>/dev/null; then
        fail "it runs already (process $(cat "$1/run/httpd.pid")); stop that one first"
    fi
    rm -f "$1/run/httpd.pid"
}

# in_background COMMAND...   sets $pid. In a session of its own: to httpd a resized terminal window
# (SIGWINCH) is an order to stop, and Ctrl-C is ours to hear.
in_background()
{
    $(command -v setsid || true) "$@" &
    pid=$!
}

# start_httpd DIR PORT TARGET   sets $pid; TARGET is what make is to be called with in the advice
start_httpd()
{
    in_background "$httpd" -DFOREGROUND -f "$1/httpd.conf" >"$1/logs/start.log" 2>&1
    tries=100
    while [ ! -s "$1/run/httpd.pid" ] && kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
    kill -0 "$pid" 2>/dev/null && return 0
    pid=
    if grep -q 'AH00072' "$1/logs/start.log"; then
        grep 'AH00072' "$1/logs/start.log" >&2
        advise_port "$2" "$3"
    fi
    cat "$1/logs/start.log" >&2
    [ ! -f "$1/logs/error.log" ] || tail -n 5 "$1/logs/error.log" >&2
    fail "httpd did not start"
}

# advise_port PORT TARGET   the port is taken: ends here, with another one
advise_port()
{
    next=$((port + 10))
    if [ "$port" -lt 1024 ] || [ "$next" -gt 65500 ]; then
        next=8080
    fi
    fail "port $1 is taken or not allowed; choose another: make $2 PORT=$next"
}
