/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who of those whom a call names is a member of its group, as far as a step had to find out:
 * an object of users, true for each who is; see step.h. Pure functions.
 */
#include <string.h>

#include "record.h"
#include "step.h"

/* json-c wants keys that end with a NUL. */
static void roster_set(struct step *step, struct par_str user, bool is_in)
{
	char name[PAR_ID_MAX + 1];

	memcpy(name, user.s, user.len);
	name[user.len] = '\0';
	json_object_object_add(step->roster, name, json_object_new_boolean(is_in));
}

void roster_forget(struct step *step)
{
	json_object_put(step->roster);
	step->roster = NULL;
	step->anybody_len = 0;
	step->gone = false;
}

void roster_begin(struct step *step, struct json_object *doc)
{
	struct json_object *took = json_object_object_get(doc, "took");
	size_t i, n = json_object_array_length(took);

	roster_forget(step);
	step->roster = json_object_new_object();
	for (i = 0; i < n; i++)
		roster_set(step,
			   par_str_of(json_object_get_string(json_object_array_get_idx(took, i))),
			   false);
	roster_set(step, step->chat.user, false);
}

/* NULL: nobody asked about him. */
static struct json_object *roster_find(const struct step *step, struct par_str user)
{
	char name[PAR_ID_MAX + 1];

	memcpy(name, user.s, user.len);
	name[user.len] = '\0';
	return json_object_object_get(step->roster, name);
}

void roster_note(struct step *step, struct par_str user)
{
	if (step->anybody_len == 0) {
		memcpy(step->anybody, user.s, user.len);
		step->anybody_len = user.len;
	}
	if (roster_find(step, user) != NULL)
		roster_set(step, user, true);
}

bool roster_has(const struct step *step, struct par_str user)
{
	struct json_object *found = step->roster == NULL ? NULL : roster_find(step, user);

	return found == NULL || json_object_get_boolean(found);
}

struct par_str roster_out(const struct step *step)
{
	struct par_str none = { NULL, 0 };

	json_object_object_foreach(step->roster, name, is_in)
	{
		if (!json_object_get_boolean(is_in) &&
		    record_is_here(step->doc, par_str_of(name), NULL))
			return par_str_of(name);
	}
	return none;
}

/* One who is a member, in the order in which they came into the call; s NULL: there is none. */
static struct par_str roster_first(const struct step *step, bool here)
{
	struct par_str none = { NULL, 0 };

	json_object_object_foreach(step->roster, name, is_in)
	{
		if (json_object_get_boolean(is_in) &&
		    (!here || record_is_here(step->doc, par_str_of(name), NULL)))
			return par_str_of(name);
	}
	return none;
}

struct par_str roster_teller(const struct step *step)
{
	struct par_str caller = record_word(step->doc, "caller"), one;

	if (roster_has(step, step->chat.user))
		return step->chat.user;
	if (roster_has(step, caller))
		return caller;
	one = roster_first(step, true);
	if (one.s == NULL)
		one = roster_first(step, false);
	if (one.s == NULL) {
		one.s = step->anybody;
		one.len = step->anybody_len;
	}
	return one;
}
