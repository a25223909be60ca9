/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared object that is no plugin: it exports no descriptor. */
#include <parlance/plugin.h>

extern PAR_EXPORT const int zoo_something_else;
PAR_EXPORT const int zoo_something_else = 1;
