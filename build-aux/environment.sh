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

check_rust() {
    PATH=$PATH:${CARGO_HOME:=$HOME/.cargo}/bin
    export PATH CARGO_HOME "RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}"
    rust_minimum=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
    command -v cargo >/dev/null ||
        die "Rust is missing: install $rust_minimum or later with rustup (https://rustup.rs)."
    rust=$(rustc --version | cut -d ' ' -f 2)
    at_least "$rust" "$rust_minimum" ||
        die "Rust is too old: this is $rust, Chatroom needs $rust_minimum or later (rustup update)."
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

# missing_for build|test|peers [LIST]: the packages of a list (build-aux/packages) that
# are needed for that and that are not there.
missing_for() {
    sed 's/#.*//' "${2-build-aux/packages}" | while read -r use package there; do
        [ "$use" = build ] || [ "$use" = "$1" ] || continue
        sh -c "$there" >/dev/null 2>&1 || printf '%s ' "$package"
    done
}

# The lists of what the development root has that is used for build, test or peers.
lists_for() {
    printf 'build-aux/packages'
    [ "$1" != peers ] || printf ' build-aux/peers'
}

am_root() { [ "$(id -u)" = 0 ]; }
has_apt() { command -v apt-get >/dev/null; }

apt_install() {
    say "Installing with apt: $*"
    DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install \
        --yes --no-install-recommends "$@" </dev/null >&2 ||
        die 'apt could not install them (see above); is there a network?'
}

# Installs these packages, or ends with a sentence that says how to.
need() {
    if ! has_apt; then
        die "Install these (the names are Debian's) and start again: $*"
    elif ! am_root; then
        die "Install these and start again: sudo apt-get install $*"
    fi
    apt_install "$@"
}

# Makes what is missing. One ./dev at a time: others wait here, then find it done.
prepare() {
    if has_apt && am_root; then
        say 'Updating the package lists of apt'
        apt-get update -qq </dev/null >&2 || say 'apt could not update its package lists; trying the old ones.'
    fi
    if gtk_is_new_enough; then
        # shellcheck disable=SC2046 # one argument for each package
        need $(missing_for "$1")
        missing=$(missing_for "$1")
        [ -z "$missing" ] || die "Installed, but not found (see build-aux/packages): $missing"
    elif has_apt && apt_has_new_gtk; then
        # shellcheck disable=SC2046
        need libadwaita-1-dev $(missing_for "$1")
        gtk_is_new_enough || die "Installed, but pkg-config does not find GTK $gtk_minimum."
    elif [ ! -d "$root" ]; then
        case $(rustc --print sysroot) in
            /usr) die 'On this system Chatroom needs a Rust from rustup (https://rustup.rs).' ;;
        esac
        if ! command -v mmdebstrap >/dev/null; then
            has_apt || die "Chatroom needs GTK $gtk_minimum and libadwaita $adw_minimum with their" \
                'development files (or mmdebstrap, to make a Debian tree that has them).'
            if am_root; then apt_install mmdebstrap; else need mmdebstrap uidmap; fi
        fi
        # shellcheck disable=SC2046 # one argument for each list
        build-aux/make-root "$root" $(lists_for "$1") ||
            die 'The development root could not be made (see above); is there a network?'
    fi
}

# is_ready build|test|peers: nothing is missing for that, here or in the root.
is_ready() {
    if gtk_is_new_enough; then [ -z "$(missing_for "$1")" ]; else [ -d "$root" ]; fi
}

# use_environment build|test|peers COMMAND [ARGS]: see the top. COMMAND is ./dev's own.
use_environment() {
    needs=$1
    shift
    [ -z "${CHATROOM_ROOT-}" ] || return 0
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
    gtk_is_new_enough || exec build-aux/enter-root "$root" ./dev "$@"
}
