#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
#
# Does what spark-submit does, with the jars of Spark from Maven Central ("mvn package" copies them):
#
#   ./submit.sh --master 'local[2]' --class net.imglib2.cache.python.examples.SmoothOnSpark target/local
#
# The last arguments are those of the program.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Spark needs these from Java 17 on. The script spark-submit gives them by itself.
opens=
for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar; do
	opens="$opens --add-opens=java.base/$package=ALL-UNNAMED"
done
options=
while [ "${1#--}" != "$1" ]; do
	options="$options $1 $2"
	shift 2
done
jars=$(printf '%s,' "$here"/target/jars/*.jar)
# shellcheck disable=SC2086
exec java $opens -Xmx1g -cp "$here/target/spark/jars/*" org.apache.spark.deploy.SparkSubmit --conf spark.ui.enabled=false --jars "${jars%,}" $options "$here"/target/imglib2-cache-python-spark-*.jar "$@"
