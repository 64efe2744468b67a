#!/bin/busybox sh
# The first program of a virtual machine: loads the modules that its disks need, and goes on in Debian's tree. Both disks are
# read only, and each is under an overlay in memory: what a launch keeps for the next one is then kept here as well.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
disks=$(sed 's/.*machine\.disks=\([^ ]*\).*/\1/' /proc/cmdline)
until [ -e "${disks}a" ] && [ -e "${disks}b" ]; do sleep 0.1; done
mount -t tmpfs -o size=75% rw /rw
# writable DISK FOLDER
writable() {
  parts=/rw/${1##*/}
  mkdir -p "$parts/upper" "$parts/work" "$parts/lower" "$2"
  mount -t ext4 -o ro,noload "$1" "$parts/lower"
  mount -t overlay -o "lowerdir=$parts/lower,upperdir=$parts/upper,workdir=$parts/work" "${1##*/}" "$2"
}
writable "${disks}a" /mnt
writable "${disks}b" /mnt/opt/machine
mkdir -p /mnt/proc /mnt/sys /mnt/dev
umount /proc /sys
mount --move /dev /mnt/dev
exec switch_root /mnt /bin/sh /opt/machine/guest/init.sh
