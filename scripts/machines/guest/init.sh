#!/bin/sh
# The first program in the tree: makes ready what an init system would, or starts systemd, as the kernel's command line says.
export PATH=/opt/machine:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec </dev/console >/dev/console 2>&1
mount -t proc -o nosuid,nodev,noexec proc /proc
words=" $(cat /proc/cmdline) "

echo machine >/etc/hostname
id learner >/dev/null 2>&1 || useradd --create-home --uid 1000 --shell /bin/bash learner
[ -d /etc/sudoers.d ] && echo 'learner ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/learner

case $words in
*" machine.init=systemd "*)
  mkdir -p /var/lib/systemd/linger /etc/systemd/system/multi-user.target.wants
  touch /var/lib/systemd/linger/learner
  cp /opt/machine/guest/agent.service /etc/systemd/system/
  ln -s ../agent.service /etc/systemd/system/multi-user.target.wants/
  # What waits for a network, a terminal or a person.
  for unit in systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
    serial-getty@ttyS0.service serial-getty@ttyAMA0.service getty@tty1.service systemd-firstboot.service; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
  done
  : >/etc/machine-id
  umount /proc
  exec /sbin/init
  ;;
esac

mount -t sysfs -o nosuid,nodev,noexec sys /sys
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777,size=70% tmp /tmp
mount -t securityfs securityfs /sys/kernel/security
case $words in
*" machine.cgroup=none "*) ;;
*) mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup ;;
esac
for name in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -sf "/proc/self/${name#*:}" "/dev/${name%:*}"; done
mount --make-rshared /
ip link set lo up
hostname machine
labels=/etc/selinux/default/contexts/files/file_contexts
if [ -e $labels ]; then
  # What has been made since the tree was labelled carries no label yet.
  setfiles -m -F $labels /etc /home
  load_policy -i
  # What somebody who logs in has; nobody may go there from the kernel's own domain once the policy is enforced.
  exec runcon unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 \
    sh -c 'setenforce 1 && exec sh /opt/machine/guest/agent.sh'
fi
exec sh /opt/machine/guest/agent.sh
