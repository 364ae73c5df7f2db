Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
Config files missing '/etc/keepalived/keepalived.conf'.
fatal: Config files missing '/etc/keepalived/keepalived.conf'. [file-missing]
