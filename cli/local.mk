bin_PROGRAMS += parlance-cli
parlance_cli_SOURCES = cli/chat.c cli/chat.h cli/chat_show.c cli/cli.h cli/client.c cli/client.h \
	cli/connection.c cli/connection.h cli/dial.c cli/dial.h cli/editor.c cli/editor.h \
	cli/ending.c cli/ending.h cli/inbox.c cli/inbox.h cli/lines.c cli/lines.h cli/main.c \
	cli/message.c cli/message.h cli/random.c cli/random.h cli/record.c cli/record.h \
	cli/request.c cli/requests.c cli/requests.h cli/send.c cli/tail.c cli/terminal.c \
	cli/terminal.h cli/url.c cli/url.h
parlance_cli_LDADD = $(PARLANCE_LIBS)
