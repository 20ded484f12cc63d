/*
 * A loop that was made to be dear to look at: it maps the files of its first argument as code, and computes on a stack that is
 * nothing but return addresses into them, one file after the other. x86-64.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE_AT 0x1000
#define WORDS 4096

void burn(void *stack, long count);

__asm__(".globl burn\n.type burn, @function\nburn:\n.cfi_startproc\n"
	"mov %rsp, %rax\nmov %rdi, %rsp\n1: dec %rsi\njnz 1b\nmov %rax, %rsp\nret\n"
	".cfi_endproc\n.size burn, . - burn\n");

static uint64_t words[2 * WORDS];

int main(int argc, char **argv)
{
	DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	uint64_t codes[WORDS];
	int count = 0;
	if (!folder)
		return 2;
	while ((entry = readdir(folder)) && count < WORDS) {
		char path[4096];
		struct stat st;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		int fd = open(path, O_RDONLY);
		if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
			continue;
		void *code = mmap(NULL, st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		close(fd);
		if (code != MAP_FAILED)
			codes[count++] = (uint64_t)code + CODE_AT + 16;
	}
	if (count == 0)
		return 2;
	/* What interrupts it is put below. Each turn goes on where the last one ended, so that each stack has other files. */
	for (int i = 0; i < WORDS; i++)
		words[WORDS + i] = codes[i % count];
	int epoll = epoll_create1(0);
	struct epoll_event event;
	printf("mapped %d\n", count);
	fflush(stdout);
	for (int turn = 0;; turn++) {
		epoll_wait(epoll, &event, 1, 20);
		burn(&words[WORDS + turn % (WORDS / 2)], 60 * 1000 * 1000L);
	}
}
