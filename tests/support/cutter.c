/* SPDX-License-Identifier: BSD-2-Clause */
/* See cutter.h. A message is taken to come in one piece: those of the tests are short. */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cutter.h"

static void demand(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static const char *port(void)
{
	const char *value = getenv("PGPORT");

	return value == NULL ? "5432" : value;
}

static int new_socket(const char *dir, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	demand(fd >= 0, "socket");
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "%.80s/.s.PGSQL.%.6s", dir, port());
	return fd;
}

static void take_client(struct cutter *cutter)
{
	int client = accept(cutter->listener, NULL, NULL);
	struct cutter_pair *pair = cutter->pairs;
	struct sockaddr_un address;

	demand(client >= 0, "accept");
	if (atomic_load(&cutter->away)) {
		close(client);
		return;
	}
	while (pair < cutter->pairs + CUTTER_PAIRS && pair->client != 0)
		pair++;
	demand(pair < cutter->pairs + CUTTER_PAIRS, "too many connections");
	pair->client = client;
	pair->answer_is_cut = false;
	pair->server = new_socket(getenv("PGHOST"), &address);
	demand(connect(pair->server, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
}

static void end_pair(struct cutter_pair *pair)
{
	close(pair->client);
	close(pair->server);
	memset(pair, 0, sizeof(*pair));
}

/* A Bind of the statement, to the portal without a name; not the Parse, when it is prepared. */
static bool holds_commit(const char *bytes, size_t n)
{
	static const char bind[] = "\0ST_COMMIT";

	return memmem(bytes, n, bind, sizeof(bind)) != NULL;
}

static bool send_all(int to, const char *bytes, size_t n)
{
	ssize_t sent = 0;

	while (n > 0 && (sent = send(to, bytes, n, MSG_NOSIGNAL)) > 0) {
		bytes += sent;
		n -= (size_t)sent;
	}
	return n == 0;
}

/* False when the pair has ended. */
static bool hand_on(struct cutter *cutter, struct cutter_pair *pair, bool from_client)
{
	static char bytes[1 << 20];
	ssize_t n = read(from_client ? pair->client : pair->server, bytes, sizeof(bytes));
	enum cut cut = atomic_load(&cutter->cut);

	if (n <= 0 || (pair->answer_is_cut && !from_client)) {
		end_pair(pair);
		return false;
	}
	if (from_client && cut != CUT_NOTHING && holds_commit(bytes, (size_t)n)) {
		atomic_store(&cutter->cut, CUT_NOTHING);
		pair->answer_is_cut = cut == CUT_AFTER;
		if (cut == CUT_BEFORE) {
			end_pair(pair);
			return false;
		}
	}
	if (send_all(from_client ? pair->server : pair->client, bytes, (size_t)n))
		return true;
	end_pair(pair);
	return false;
}

static void *cutter_run(void *arg)
{
	struct cutter *cutter = arg;

	while (!atomic_load(&cutter->ending)) {
		struct pollfd fds[1 + 2 * CUTTER_PAIRS];
		unsigned i;

		fds[0] = (struct pollfd){ cutter->listener, POLLIN, 0 };
		for (i = 0; i < CUTTER_PAIRS; i++) {
			const struct cutter_pair *pair = &cutter->pairs[i];
			bool there = pair->client != 0;
			fds[1 + 2 * i] = (struct pollfd){ there ? pair->client : -1, POLLIN, 0 };
			fds[2 + 2 * i] = (struct pollfd){ there ? pair->server : -1, POLLIN, 0 };
		}
		poll(fds, 1 + 2 * CUTTER_PAIRS, 20);
		for (i = 0; i < CUTTER_PAIRS; i++) {
			if (fds[1 + 2 * i].revents != 0 &&
			    !hand_on(cutter, &cutter->pairs[i], true))
				continue;
			if (fds[2 + 2 * i].revents != 0)
				hand_on(cutter, &cutter->pairs[i], false);
		}
		if (fds[0].revents != 0)
			take_client(cutter);
	}
	return NULL;
}

void cutter_start(struct cutter *cutter)
{
	struct sockaddr_un address;

	memset(cutter, 0, sizeof(*cutter));
	snprintf(cutter->dir, sizeof(cutter->dir), "/tmp/parlance-cutter-XXXXXX");
	demand(mkdtemp(cutter->dir) != NULL, "mkdtemp");
	cutter->listener = new_socket(cutter->dir, &address);
	demand(bind(cutter->listener, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
	demand(listen(cutter->listener, CUTTER_PAIRS) == 0, "listen");
	demand(pthread_create(&cutter->thread, NULL, cutter_run, cutter) == 0, "pthread_create");
}

void cutter_end(struct cutter *cutter)
{
	char path[96];
	unsigned i;

	atomic_store(&cutter->ending, true);
	pthread_join(cutter->thread, NULL);
	for (i = 0; i < CUTTER_PAIRS; i++) {
		if (cutter->pairs[i].client != 0)
			end_pair(&cutter->pairs[i]);
	}
	close(cutter->listener);
	snprintf(path, sizeof(path), "%s/.s.PGSQL.%s", cutter->dir, port());
	unlink(path);
	rmdir(cutter->dir);
}
