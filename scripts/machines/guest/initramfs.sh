#!/bin/busybox sh
# The first program of a virtual machine: loads the modules that its disks need, and goes on in Debian's tree, which is read
# only, under an overlay in memory.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
disks=$(sed 's/.*machine\.disks=\([^ ]*\).*/\1/' /proc/cmdline)
until [ -e "${disks}a" ] && [ -e "${disks}b" ]; do sleep 0.1; done
mount -t ext4 -o ro,noload "${disks}a" /ro
mount -t tmpfs -o size=75% rw /rw
mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work root /mnt
mkdir -p /mnt/proc /mnt/sys /mnt/dev /mnt/opt/machine
mount -t ext4 -o ro,noload "${disks}b" /mnt/opt/machine
umount /proc /sys
mount --move /dev /mnt/dev
exec switch_root /mnt /bin/sh /opt/machine/guest/init.sh
