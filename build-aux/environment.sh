# shellcheck shell=sh
# Chooses the environment of ./dev, and installs what is missing there: this system, if
# its GTK is new enough or can be updated, or else the development root. ./dev sources
# this file from the top of the checkout.

say() { printf './dev: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

# The first version is the second or a later one.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# The oldest version that the feature vX_Y of a crate in Cargo.toml allows.
minimum_of() {
    sed -n "s/^$1 *=.*\"v\([0-9]*\)_\([0-9]*\)\".*/\1.\2/p" Cargo.toml | grep . ||
        die "Cargo.toml has no line for '$1' with a feature like v1_2 to tell the oldest version."
}

# How to get Rust here.
rust_from() {
    if command -v rustup >/dev/null; then
        printf 'rustup update stable'
    elif has_apt && [ -n "$(apt-cache madison rustup 2>/dev/null)" ]; then
        printf '%sapt-get install rustup && rustup default stable' "$(as_root)"
    else
        printf 'install it with rustup (https://rustup.rs)'
    fi
}

check_rust() {
    PATH=$PATH:${CARGO_HOME:=$HOME/.cargo}/bin
    export PATH CARGO_HOME "RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}"
    rust_minimum=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    command -v cargo >/dev/null ||
        die "Rust is missing; Chatroom needs $rust_minimum or later: $(rust_from)"
    rust=$(rustc --version | cut -d ' ' -f 2)
    at_least "$rust" "$rust_minimum" ||
        die "Rust is too old: this is $rust, Chatroom needs $rust_minimum or later: $(rust_from)"
}

gtk_is_new_enough() {
    pkg-config --atleast-version="$gtk_minimum" gtk4 2>/dev/null &&
        pkg-config --atleast-version="$adw_minimum" libadwaita-1 2>/dev/null
}

# apt offers a package in this version or a later one.
apt_offers() {
    version=$(LC_ALL=C apt-cache policy "$1" | sed -n 's/^ *Candidate: //p')
    [ -n "$version" ] && [ "$version" != '(none)' ] && at_least "${version#*:}" "$2"
}

apt_has_new_gtk() {
    apt_offers libgtk-4-dev "$gtk_minimum" && apt_offers libadwaita-1-dev "$adw_minimum"
}

# missing_for server|fuzz|build|test|peers [LIST]: the packages of a list
# (build-aux/packages) that are needed for that and that are not there.
missing_for() {
    uses=" server $1 "
    needs_no_app "$1" || uses="$uses build "
    sed 's/#.*//' "${2-build-aux/packages}" | while read -r use package there; do
        case $uses in *" $use "*) ;; *) continue ;; esac
        sh -c "$there" >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

# Whether that is done without GTK, and so on every system.
needs_no_app() { [ "$1" = server ] || [ "$1" = fuzz ]; }

# The lists of what the development root has that is used for build, test or peers.
lists_for() {
    printf 'build-aux/packages'
    [ "$1" != peers ] || printf ' build-aux/peers'
}

am_root() { [ "$(id -u)" = 0 ]; }
has_apt() { command -v apt-get >/dev/null; }

# What stands before a command that only root may run, in a sentence.
as_root() {
    if am_root; then :; elif command -v sudo >/dev/null; then printf 'sudo '; else printf 'as root: '; fi
}

# Each argument once.
each_once() { printf '%s\n' "$@" | awk '!seen[$0]++' | paste -s -d ' '; }

apt_install() {
    say "Installing with apt: $*"
    DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install \
        --yes --no-install-recommends "$@" </dev/null >&2 ||
        die 'apt could not install them (see above); is there a network?'
}

# Installs these packages, or ends with a sentence that says how to.
need() {
    # shellcheck disable=SC2046 # one argument for each package
    set -- $(each_once "$@")
    [ $# -gt 0 ] || return 0
    if ! has_apt; then
        die "Install these (the names are Debian's) and start again: $*"
    elif ! am_root; then
        need_apt_lists
        die "Install these and start again: $(as_root)apt-get install $*"
    fi
    apt_install "$@"
}

# Without its lists apt knows of no package.
need_apt_lists() {
    if has_apt && ! am_root && [ -z "$(apt-cache madison apt 2>/dev/null)" ]; then
        die "The package lists of apt are empty. Run this and start again: $(as_root)apt-get update"
    fi
}

# The development root is entered by a mount namespace.
need_namespace() {
    new=--mount
    am_root || new='--user --map-root-user --mount'
    # shellcheck disable=SC2086 # several options
    unshare $new -- mount --bind /tmp /tmp 2>/dev/null ||
        die 'This system does not allow the namespace (unshare, mount) that the development root' \
            'needs. In a container, start that with the right to mount (--privileged); or use a' \
            "system with GTK $gtk_minimum, such as Debian 13. Without the app it works here:" \
            './dev run --server'
}

# What mmdebstrap needs to make files of several users for one who is not root.
need_subordinate_ids() {
    am_root && return
    command -v newuidmap >/dev/null || need uidmap
    for file in /etc/subuid /etc/subgid; do
        cut -d : -f 1 "$file" 2>/dev/null | grep -q -x -e "$(id -un)" -e "$(id -u)" ||
            die "$file has no entry for you, which making the development root needs. Add one, and" \
                "start again: $(as_root)usermod --add-subuids 100000-165535" \
                "--add-subgids 100000-165535 $(id -un)"
    done
}

# need_space DIR MEGABYTES
need_space() {
    free=$(df -P -m "$1" | awk 'NR == 2 { print $4 }')
    [ "${free:-0}" -ge "$2" ] ||
        die "The development root needs $2 MB in $1, and $free MB are free. Free some, or name" \
            'another folder with XDG_CACHE_HOME.'
}

# Makes the development root.
make_root() {
    need_apt_lists
    need_namespace
    case $(rustc --print sysroot) in
        /usr) die "On this system Chatroom needs a Rust from rustup: $(rust_from)" ;;
    esac
    if ! command -v mmdebstrap >/dev/null; then
        has_apt || die "Chatroom needs GTK $gtk_minimum and libadwaita $adw_minimum with their" \
            'development files (or mmdebstrap, to make a Debian tree that has them).'
        if am_root || command -v newuidmap >/dev/null; then need mmdebstrap; else need mmdebstrap uidmap; fi
    fi
    need_subordinate_ids
    # An ordinary user's is an archive first.
    if am_root; then need_space "$cache" 1500; else need_space "$cache" 2500; fi
    # What goes wrong in it may hang up on this script, too, which has a sentence for that.
    trap : HUP
    # shellcheck disable=SC2046 # one argument for each list
    build-aux/make-root "$root" $(lists_for "$1") ||
        die 'The development root could not be made (see above). Is there a network, and space on' \
            "the disk ($(df -P -m "$cache" | awk 'NR == 2 { print $4 }') MB are free)?"
    trap - HUP
}

# Makes what is missing. One ./dev at a time: others wait here, then find it done.
prepare() {
    if has_apt && am_root; then
        say 'Updating the package lists of apt'
        apt-get update -qq </dev/null >&2 || say 'apt could not update its package lists; trying the old ones.'
    fi
    if needs_no_app "$1" || gtk_is_new_enough; then
        # shellcheck disable=SC2046 # one argument for each package
        need $(missing_for "$1")
        missing=$(missing_for "$1")
        [ -z "$missing" ] || die "Installed, but not found (see build-aux/packages): $missing"
    elif has_apt && apt_has_new_gtk; then
        # shellcheck disable=SC2046
        need libadwaita-1-dev $(missing_for "$1")
        gtk_is_new_enough || die "Installed, but pkg-config does not find GTK $gtk_minimum."
    elif [ ! -d "$root" ]; then
        make_root "$1"
    fi
}

# is_ready server|fuzz|build|test|peers: nothing is missing for that, here or in the root.
is_ready() {
    if needs_no_app "$1" || gtk_is_new_enough; then [ -z "$(missing_for "$1")" ]; else [ -d "$root" ]; fi
}

# use_environment server|fuzz|build|test|peers COMMAND [ARGS]: see the top. COMMAND is ./dev's own.
use_environment() {
    needs=$1
    shift
    [ -z "${CHATROOM_ROOT-}" ] || return 0
    [ -n "${HOME-}" ] || die 'HOME is not set. Name the folder for what Rust and ./dev keep: HOME=/root ./dev …'
    check_rust
    gtk_minimum=$(minimum_of gtk)
    adw_minimum=$(minimum_of adw)

    cache=${XDG_CACHE_HOME:-$HOME/.cache}/chatroom
    # shellcheck disable=SC2046 # one argument for each list
    key=$(cat $(lists_for "$needs") build-aux/make-root | sha256sum | cut -c 1-12)
    root=$cache/trixie-$key

    if ! is_ready "$needs"; then
        mkdir -p "$cache"
        exec 9>"$cache/lock"
        flock -n 9 || { say 'Waiting for another ./dev that installs what is missing'; flock 9; }
        is_ready "$needs" || prepare "$needs"
        exec 9>&-
    fi
    needs_no_app "$needs" || gtk_is_new_enough || exec build-aux/enter-root "$root" ./dev "$@"
}
