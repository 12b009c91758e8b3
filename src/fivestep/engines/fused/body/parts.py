"""How functions that only compiled code calls are compiled: to LLVM code that is linked into their callers, no further.

For every function, numba also compiles a wrapper that Python can call, optimizes the function together with all that it
calls, and generates machine code. Its caller links the LLVM code and does all of that again, and so on up to the
function that Python calls. Here, a part is only shortened by a few cheap passes, so that copying it is cheap; all else
is done once, in the function that Python calls.
"""

import ctypes
from typing import Any, final

from llvmlite.binding import PipelineTuningOptions, create_new_module_pass_manager, create_pass_builder
from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import NativeLowering

REFUSE = ctypes.cast(ctypes.pythonapi.PyErr_NoMemory, ctypes.c_void_p).value
"""Takes the place of the wrapper for Python, which a part does not have: a call raises a MemoryError, not a crash."""


@final
class PartLibrary(JITCodeLibrary):
    """The LLVM code of a part with all that it calls; no machine code is generated."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        passes = create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.add_global_dead_code_eliminate_pass()
        passes.add_sroa_pass()
        passes.add_instruction_combine_pass()
        passes.add_simplify_cfg_pass()
        passes.run(self._final_module, create_pass_builder(self._codegen._tm, PipelineTuningOptions()))

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@final
@register_pass(mutates_CFG=True, analysis_only=False)
class PartLowering(NativeLowering):
    """Numba's lowering, into a `PartLibrary`, which callers find by the key of a function that must not be called."""

    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        made, name = state["cr"], state.func_id.func_name
        key = _dynfunc.make_function(made.fndesc.lookup_module(), name, "", REFUSE, made.env, (state.library,))
        state.targetctx.insert_user_function(key, made.fndesc, [state.library])
        state["cr"] = made._replace(cfunc=key)
        return True


@final
class PartCompiler(CompilerBase):
    """Numba's usual steps, with `PartLowering` as the lowering."""

    def define_pipelines(self) -> list[Any]:
        steps = PassManager("part")
        for step, words in DefaultPassBuilder.define_nopython_pipeline(self.state).passes:
            steps.add_pass(PartLowering if step is NativeLowering else step, words)
        steps.finalize()
        return [steps]
