/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parlance-cli: the command line. The tables below are the only place where
 * commands and options are listed; parsing and help are made from them.
 */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "ws/utf8.h"

enum command_flag { CHAT = 1, SEND = 2, TAIL = 4, REQUEST = 8, ALL = 15 };

static const struct command {
	const char *name;
	enum command_flag flag;
	int (*run)(const struct options *options);
	const char *help;
} commands[] = {
	{ "chat", CHAT, chat_run, "talk to another user in the terminal; /help there says more" },
	{ "send", SEND, send_run, "send a message, or each line of stdin as one" },
	{ "tail", TAIL, tail_run, "print a user's events as they come, and ack them" },
	{ "request", REQUEST, request_run, "make any request and print the answer's payload" },
};

static const struct option_help {
	const char *name;
	const char *argument; /* NULL: none */
	unsigned commands;
	const char *help;
} option_table[] = {
	{ "url", "URL", ALL, "the server [$PARLANCE_URL, or ws://127.0.0.1:8080]" },
	{ "user", "ID", ALL, "who you are" },
	{ "device", "ID", ALL, "name of this device, when one user has several [default]" },
	{ "token", "TOKEN", ALL, "bearer token [$PARLANCE_TOKEN]" },
	{ "timeout", "SECONDS", SEND | TAIL | REQUEST,
	  "fail after so long without an answer [30], tail: without an event [never]" },
	{ "record", "FILE", ALL, "append each message sent and received to a file" },
	{ "to", "ID", CHAT | SEND, "the other user, or a group" },
	{ "message", "TEXT", SEND, "the message [each line of stdin]" },
	{ "window", "N", SEND, "unanswered messages at a time [16]; 1 keeps order in any failure" },
	{ "history", "N", CHAT, "messages of the past to begin with [20]" },
	{ "count", "N", TAIL, "end after so many events" },
	{ "no-ack", NULL, TAIL, "ack nothing: the events come again" },
	{ "type", "TYPE", REQUEST, "payloadType of the request" },
	{ "payload", "JSON", REQUEST, "its payload [{}]" },
	{ "json", NULL, SEND | TAIL | REQUEST, "print whole messages as they are on the wire" },
	{ "help", NULL, ALL, "print this" },
	{ "version", NULL, ALL, "print the version" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(*commands))
#define N_OPTIONS (sizeof(option_table) / sizeof(*option_table))

static void print_help(const struct command *command)
{
	size_t i;

	printf("Usage: parlance-cli %s --user ID [OPTION]...\n",
	       command == NULL ? "COMMAND" : command->name);
	if (command == NULL)
		printf("A client to try a Parlance server with.\n\nCommands:\n");
	for (i = 0; i < N_COMMANDS; i++) {
		if (command == NULL)
			printf("  %-22s %s\n", commands[i].name, commands[i].help);
		else if (command == &commands[i])
			printf("Here you can %s.\n", command->help);
	}
	printf("\nOptions:\n");
	for (i = 0; i < N_OPTIONS; i++) {
		const struct option_help *o = &option_table[i];

		if (command == NULL ? o->commands == ALL : (o->commands & command->flag) != 0)
			printf("  --%-8s %-11s %s\n", o->name,
			       o->argument == NULL ? "" : o->argument, o->help);
	}
	printf(
	    "\nExit status: 0 all went well, 1 something was refused or not answered, 2 usage.\n");
	if (command == NULL)
		printf("`parlance-cli COMMAND --help` lists the options of a command.\n");
}

static _Noreturn void usage(const char *format, const char *what)
{
	fputs("parlance-cli: ", stderr);
	fprintf(stderr, format, what);
	fputs("; see parlance-cli --help\n", stderr);
	exit(STATUS_USAGE);
}

static unsigned number(const char *name, const char *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value < min || value > max) {
		fprintf(stderr, "parlance-cli: --%s must be a number from %u to %u\n", name, min,
			max);
		exit(STATUS_USAGE);
	}
	return (unsigned)value;
}

static void take_text(struct options *o, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **to;
	} texts[] = {
		{ "url", &o->url },         { "user", &o->user },     { "device", &o->device },
		{ "token", &o->token },     { "record", &o->record }, { "to", &o->to },
		{ "message", &o->message }, { "type", &o->type },     { "payload", &o->payload },
	};
	size_t i;

	if (!utf8_valid(value, strlen(value)))
		usage("--%s is not UTF-8", name);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strcmp(name, texts[i].name) == 0)
			*texts[i].to = value;
	}
}

static void take_option(struct options *o, const struct command *command, const char *name,
			const char *value)
{
	if (strcmp(name, "help") == 0) {
		print_help(command);
		exit(STATUS_OK);
	} else if (strcmp(name, "version") == 0) {
		puts("parlance-cli " PACKAGE_VERSION);
		exit(STATUS_OK);
	} else if (strcmp(name, "timeout") == 0) {
		o->timeout = number(name, value, 0, 1000000);
	} else if (strcmp(name, "window") == 0) {
		o->window = number(name, value, 1, 1000);
	} else if (strcmp(name, "history") == 0) {
		o->count = number(name, value, 0, 500);
	} else if (strcmp(name, "count") == 0) {
		o->count = number(name, value, 1, 1000000000);
	} else if (strcmp(name, "no-ack") == 0) {
		o->ack = false;
	} else if (strcmp(name, "json") == 0) {
		o->json = true;
	} else {
		take_text(o, name, value);
	}
}

/* Every option is known to every command, or getopt would take `tail --to` for --token. */
static void parse_options(struct options *o, const struct command *command, int argc, char **argv)
{
	struct option longs[N_OPTIONS + 1] = { 0 };
	int i;

	for (i = 0; i < (int)N_OPTIONS; i++) {
		longs[i].name = option_table[i].name;
		longs[i].has_arg =
		    option_table[i].argument == NULL ? no_argument : required_argument;
	}
	for (;;) {
		switch (getopt_long(argc, argv, "h", longs, &i)) {
		case -1:
			if (optind < argc)
				usage("what is `%s'?", argv[optind]);
			return;
		case 0:
			if (command != NULL && (option_table[i].commands & command->flag) == 0)
				usage("--%s is no option of this command", longs[i].name);
			take_option(o, command, longs[i].name, optarg);
			break;
		case 'h':
			take_option(o, command, "help", NULL);
			break;
		default:
			exit(STATUS_USAGE);
		}
	}
}

static void check_options(const struct options *o, const struct command *command)
{
	if (o->user == NULL && (o->token == NULL || command->flag == CHAT))
		usage("%s needs --user", command->name);
	if (o->user == NULL && o->record != NULL)
		usage("--%s needs --user", "record");
	if (o->to == NULL && (command->flag & (CHAT | SEND)) != 0)
		usage("%s needs --to", command->name);
	if (o->type == NULL && command->flag == REQUEST)
		usage("%s needs --type", command->name);
	if (o->message != NULL && *o->message == '\0')
		usage("%s: the message is empty", command->name);
	if (o->token != NULL &&
	    strspn(o->token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			     "0123456789-._~+/=") != strlen(o->token))
		usage("%s: the token has characters that no bearer token has", command->name);
}

int main(int argc, char **argv)
{
	struct options options = { .url = getenv("PARLANCE_URL"),
				   .token = getenv("PARLANCE_TOKEN"),
				   .payload = "{}",
				   .window = 16,
				   .ack = true };
	const struct command *command = NULL;
	size_t i;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < N_COMMANDS; i++) {
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0)
			command = &commands[i];
	}
	if (options.url == NULL || *options.url == '\0')
		options.url = "ws://127.0.0.1:8080";
	if (command == NULL) {
		parse_options(&options, NULL, argc, argv);
		usage("%s", "a command is missing");
	}
	options.timeout = (command->flag & (SEND | REQUEST)) != 0 ? 30 : 0;
	options.count = command->flag == CHAT ? 20 : 0;
	parse_options(&options, command, argc - 1, argv + 1);
	check_options(&options, command);
	return command->run(&options);
}
