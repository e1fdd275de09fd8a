/* SPDX-License-Identifier: MIT */
/* The smallest program there is to try: says so and ends with 0. */
#include <stdio.h>

int main(void)
{
	puts("hello from ring 3");
	return 0;
}
