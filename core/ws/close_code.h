/* SPDX-License-Identifier: BSD-2-Clause */
/* Close codes: the one thing of the frame layer that the core knows too, since
 * docs/protocol.md, Connection, gives them a meaning of their own. */
#ifndef PARLANCE_CLOSE_CODE_H
#define PARLANCE_CLOSE_CODE_H

enum ws_close_code { /* RFC 6455 section 7.4.1, and docs/protocol.md, Connection */
		     WS_CLOSE_NORMAL = 1000,
		     WS_CLOSE_GOING_AWAY = 1001,
		     WS_CLOSE_PROTOCOL_ERROR = 1002,
		     WS_CLOSE_UNSUPPORTED = 1003,
		     WS_CLOSE_NO_STATUS = 1005, /* never on the wire */
		     WS_CLOSE_ABNORMAL = 1006, /* never on the wire */
		     WS_CLOSE_BAD_TEXT = 1007,
		     WS_CLOSE_POLICY = 1008,
		     WS_CLOSE_TOO_BIG = 1009,
		     WS_CLOSE_INTERNAL = 1011,
		     WS_CLOSE_TRY_LATER = 1013,
		     WS_CLOSE_REPLACED = 4000
};

#endif
