package multifrost

import "testing"

func TestQuickMethodsRunInTheGoroutineThatReads(t *testing.T) {
	var p pace
	if !p.mayRunInline(true) || p.mayRunInline(false) {
		t.Error("the first call may, unless others wait behind it")
	}
	p.ran(briefCall / 2)
	if !p.mayRunInline(true) || !p.mayRunInline(false) {
		t.Error("a brief one may always")
	}
	for range 100 {
		p.ran(slowCall / 2)
	}
	if !p.mayRunInline(true) || p.mayRunInline(false) {
		t.Error("one that takes longer does not keep others waiting")
	}
	for _, apart := range []int{2 * leastApart, 4 * leastApart, 8 * leastApart} {
		p.ran(2 * slowCall)
		for range apart - 1 {
			if p.mayRunInline(true) {
				t.Fatalf("less than %d calls run apart", apart)
			}
		}
		if !p.mayRunInline(true) {
			t.Fatalf("more than %d calls run apart", apart)
		}
	}
	p.ran(briefCall)
	p.ran(2 * slowCall)
	for range 2*leastApart - 1 {
		p.mayRunInline(true)
	}
	if !p.mayRunInline(true) {
		t.Error("after a quick call, a slow one counts as the first")
	}
}
