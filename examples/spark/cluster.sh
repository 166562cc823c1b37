#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
#
# Starts a master and two workers of Spark on this machine, runs the example, kills an executor in the
# middle, and checks the result.
#
#   ./cluster.sh [SHARED|PROCESS] [options of the program]
#
#   IMGLIB2_PYTHON  a Python with numpy, scipy, zarr, and, for SHARED, jep
#   SUBMIT_OPTIONS  further options of spark-submit, for instance "--archives environment.tar.gz#environment"

set -euo pipefail
cd "$(dirname "$0")"
mode=${1:-SHARED}
folder=$PWD/target/cluster-$mode
rm -rf "$folder"
mkdir -p "$folder"

export SPARK_HOME=$PWD/target/spark
export SPARK_LOCAL_IP=127.0.0.1
export SPARK_SCALA_VERSION=2.13
port=$((20000 + $$ % 20000))
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait' EXIT
trap 'exit 130' INT TERM

start()
{
	java -Xmx256m -cp "$SPARK_HOME/jars/*" "$@" >>"$folder/cluster.log" 2>&1 &
	started+=($!)
}

start org.apache.spark.deploy.master.Master --host 127.0.0.1 --port $port --webui-port 0
for try in {1..300}; do
	(exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break
	sleep 0.1
done
for i in 1 2; do
	start org.apache.spark.deploy.worker.Worker spark://127.0.0.1:$port --host 127.0.0.1 --cores 1 --memory 1g --webui-port 0 --work-dir "$folder/worker$i"
	workers[i]=$!
done

# shellcheck disable=SC2086
./submit.sh --master spark://127.0.0.1:$port --executor-memory 512m ${SUBMIT_OPTIONS:-} --class net.imglib2.cache.python.examples.SmoothOnSpark \
	"$folder" "$mode" executors=2 pause=0.05 "${@:2}" >"$folder/driver.out" 2>"$folder/driver.log" &
driver=$!
started+=($driver)

fail()
{
	cat "$folder/cluster.log" "$folder/driver.log" "$folder/driver.out" >&2
	echo "$1" >&2
	exit 1
}

# The executor of the first worker is killed when it has done some tasks, but not all.
while [ "$(find "$folder/smooth.ome.zarr/0" -type f 2>/dev/null | wc -l)" -lt 60 ]; do
	kill -0 $driver 2>/dev/null || fail "the driver has ended before an executor was killed"
	sleep 0.1
done
executor=$(pgrep -P "${workers[1]}")
pythons=$(pgrep -P "$executor" || true)
kill -KILL "$executor"
wait $driver || fail "the driver has failed"
grep -q ' [1-9][0-9]* lost executors' "$folder/driver.out" || fail "no executor was lost"
for python in $pythons; do
	kill -0 "$python" 2>/dev/null && fail "the Python process $python outlives its executor"
done
tail -n 2 "$folder/driver.out"
