#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
#
# Runs every example as a project of its own, as a user would, and fails if one
# of them fails. imglib2-cache-python must be in the local Maven repository: run
# "mvn install" in the folder above first.
#
#   MAVEN_REPO_LOCAL  the local Maven repository (default: ~/.m2/repository)
#   PYTHON            absolute path of a Python, or of its environment (default: ../.venv)
#
# The arguments are passed to Maven, for instance -o.

set -u
cd "$(dirname "$0")" || exit 1
repository=${MAVEN_REPO_LOCAL:-$HOME/.m2/repository}
python=${PYTHON:-$(cd .. && pwd)/.venv}
if [ ! -e "$python" ]; then
	echo "There is no Python environment at $python: run mvn install in $(cd .. && pwd), or set PYTHON." >&2
	exit 1
fi

output=$(mktemp -d) || exit 1
trap 'rm -rf "$output"' EXIT
trap 'exit 130' INT TERM
failed=

# run <name> <command...>: prints the output of the command as one line, or in full if the command failed
run()
{
	name=$1
	shift
	if (cd "$name" && "$@") >"$output/out" 2>"$output/err"; then
		escape=$(printf '\033')
		sed "s/$escape\\[[0-9;]*m//g; /^ *\$/d" "$output/out" | paste -s -d '|' - | sed "s/|/ | /g; s/^/$name: /"
	else
		cat "$output/out" "$output/err" >&2
		echo "$name: FAILED, see above"
		failed="$failed $name"
	fi
}

maven()
{
	project=$1
	shift
	run "$project" mvn -q -B "-Dmaven.repo.local=$repository" "-Dpython=$python" "$@" verify
}

maven vessels "$@"
maven maven-app "$@"
maven original "$@"
maven fiji "$@"
# A picture of ImageJ's window needs a display, and a JDK that is not headless.
jdk=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")}
if command -v xvfb-run >/dev/null && [ -e "$jdk/lib/libawt_xawt.so" ]; then
	maven imagej1 -Pscreenshot "$@"
else
	maven imagej1 "$@"
fi

interpreter=$python
if [ -d "$python" ]; then
	interpreter=$python/bin/python
fi

# make_environment <example> <packages...>: makes an environment for this example alone, as a user makes it
make_environment()
{
	environment=$(pwd)/$1/target/environment
	shift
	if [ ! -e "$environment/complete" ]; then
		"$interpreter" -m venv "$environment" && "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@" && touch "$environment/complete"
	fi
}

make_environment worker-processes numpy scipy
run worker-processes mvn -q -B "-Dmaven.repo.local=$repository" "-Dpython=$environment" "$@" verify
make_environment pyimagej -r pyimagej/requirements.txt
run pyimagej sh -c 'interpreter=$1; shift; "$@" package && "$interpreter" lazy_image.py' sh "$environment/bin/python" mvn -q -B "-Dmaven.repo.local=$repository" "$@"
maven spark "$@"
if command -v gradle >/dev/null; then
	run gradle-app gradle --no-daemon -q "-Dmaven.repo.local=$repository" "-Dimglib2.python.executable=$python" run
else
	echo "gradle-app: skipped, there is no gradle on the PATH"
fi

program=src/main/java/net/imglib2/cache/python/examples/NeighbourSums.java
if ! cmp -s "maven-app/$program" "gradle-app/$program"; then
	echo "maven-app and gradle-app: FAILED, their NeighbourSums.java differ"
	failed="$failed NeighbourSums.java"
fi

if [ -n "$failed" ]; then
	echo "failed:$failed" >&2
	exit 1
fi
