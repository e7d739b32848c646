#!/bin/sh
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Make the image of a small Debian 12 with systemd as its first process, from Debian's packages: no image registry is
# needed. The argument is the image's name and tag. Run as root.
set -eu

image=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The mirror of this machine where it is a Debian 12 too, Debian's own otherwise.
sources=
for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  if [ -z "$sources" ] && grep -qs bookworm "$file"; then sources=$file; fi
done

# Ansible comes by ssh. sudo and acl are for become_user, iproute2 for facts on addresses; python3-apt is what ansible.builtin.apt takes.
# Files need not survive a power cut here, and nobody reads manuals.
# The lists of packages stay, so that a container only asks for what has changed since.
# shellcheck disable=SC2016  # $1 is for mmdebstrap's shell: the new system's root
mmdebstrap --quiet --variant=minbase --mode=root \
  --include=python3,python3-apt,systemd-sysv,dbus,sudo,acl,openssh-server,ca-certificates,iproute2 \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --aptopt='Acquire::Languages "none"' \
  --skip=cleanup/apt/lists \
  --customize-hook='echo "AuthorizedKeysFile /etc/ssh/authorized_keys" >"$1/etc/ssh/sshd_config.d/keys.conf"' \
  bookworm "$work/root.tar" ${sources:+"$sources"}

podman import --quiet \
  --change 'CMD ["/sbin/init"]' --change 'STOPSIGNAL SIGRTMIN+3' \
  "$work/root.tar" "$image"
