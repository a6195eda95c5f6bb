module bare-echo

go 1.24
