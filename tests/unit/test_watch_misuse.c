/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching file descriptors with careless hands: it is refused, and the log says who. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "watch_world.h"

static void ids_that_are_not_ones_own(void)
{
	struct par_plugin other;
	struct end end;

	begin();
	end_open(&end, PAR_WRITABLE);
	other = *plugin;
	CU_ASSERT_FALSE(api_table.watch_stop(&other, end.id));
	CU_ASSERT_FALSE(api_table.watch_change(&other, end.id, 0));
	CU_ASSERT(logged("calls watch_stop for a watch that it does not have"));
	CU_ASSERT_FALSE(api_table.watch_change(plugin, 0, PAR_READABLE));
	CU_ASSERT_FALSE(api_table.watch_stop(plugin, UINT64_MAX));
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 1);
	CU_ASSERT(api_table.watch_stop(plugin, end.id));
	CU_ASSERT_FALSE(api_table.watch_stop(plugin, end.id));
	end_close(&end);
	finish();
}

static void descriptors_that_cannot_be_watched(void)
{
	struct end end;
	int fd;

	begin();
	end_open(&end, 0);
	CU_ASSERT_EQUAL(api_table.watch_start(plugin, end.fd, PAR_READABLE, count, plugin, &end),
			0);
	CU_ASSERT(logged("which the plugin watcher watches already"));
	end_close(&end);
	CU_ASSERT(api_table.watch_stop(plugin, end.id));
	CU_ASSERT_EQUAL(api_table.watch_start(plugin, end.fd, 0, count, plugin, &end), 0);
	CU_ASSERT(logged("cannot be watched: Bad file descriptor"));
	fd = open(log_name, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(api_table.watch_start(plugin, fd, PAR_READABLE, count, plugin, &end), 0);
	CU_ASSERT(logged("cannot be watched: Operation not permitted"));
	close(fd);
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 0);
	finish();
}

static void *stop_elsewhere(void *arg)
{
	struct end *end = arg;

	CU_ASSERT_FALSE(api_table.watch_stop(plugin, end->id));
	CU_ASSERT_FALSE(api_table.watch_change(plugin, end->id, 0));
	CU_ASSERT_EQUAL(api_table.watch_start(plugin, end->other, 0, count, plugin, end), 0);
	return NULL;
}

static void the_wrong_time_and_the_wrong_thread(void)
{
	struct end end;
	pthread_t thread;

	begin();
	end_open(&end, PAR_WRITABLE);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, stop_elsewhere, &end), 0);
	pthread_join(thread, NULL);
	CU_ASSERT(logged("calls watch_start on a thread that is not the core's"));
	plugin->phase = PLUGIN_LOADING;
	CU_ASSERT_EQUAL(api_table.watch_start(plugin, end.other, 0, count, plugin, &end), 0);
	CU_ASSERT(logged("watches a file descriptor before start()"));
	plugin->phase = PLUGIN_RUNNING;
	turns(1);
	CU_ASSERT_EQUAL(end.calls, 1);
	end_close(&end);
	finish();
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "ids that are not one's own", ids_that_are_not_ones_own },
		{ "descriptors that cannot be watched", descriptors_that_cannot_be_watched },
		{ "the wrong time and the wrong thread", the_wrong_time_and_the_wrong_thread },
		{ NULL, NULL },
	};

	return unit_main("watch_misuse", tests);
}
