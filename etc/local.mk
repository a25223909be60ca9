EXTRA_DIST += etc/parlance.yaml

# The operator's own file is never overwritten, nor removed once changed.
parlanceconfdir = $(sysconfdir)/parlance

install-data-local: install-config
install-config:
	$(MKDIR_P) '$(DESTDIR)$(parlanceconfdir)'
	test -e '$(DESTDIR)$(parlanceconfdir)/parlance.yaml' || \
		$(INSTALL_DATA) '$(top_srcdir)/etc/parlance.yaml' '$(DESTDIR)$(parlanceconfdir)/parlance.yaml'

uninstall-local: uninstall-config
uninstall-config:
	if cmp -s '$(top_srcdir)/etc/parlance.yaml' '$(DESTDIR)$(parlanceconfdir)/parlance.yaml'; then \
		rm -f '$(DESTDIR)$(parlanceconfdir)/parlance.yaml'; fi
.PHONY: install-config uninstall-config
