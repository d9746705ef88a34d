using Formation.Inference.Cli.Diagnostics;
using Formation.Inference.Kernels.Dispatch;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Cli.Tests.Diagnostics;

public sealed class MachineFindingsTests
{
    [Theory]
    [InlineData(AmxSupport.NotEnabled, "does not offer them", "5.16")]
    [InlineData(AmxSupport.Refused, "refused them to this process", "arch_prctl")]
    [InlineData(AmxSupport.NoExecutableMemory, "may not make memory executable", "execmem")]
    [InlineData(AmxSupport.Usable, "AVX-512", "DOTNET_EnableAVX512")]
    public void Matrix_tiles_that_are_not_used_are_shown_with_the_reason_and_what_to_do(AmxSupport amx, string value, string advice)
    {
        var finding = MachineFindings.Amx(amx, KernelPath.Avx2);
        Assert.Equal(FindingState.Advice, finding.State);
        Assert.Contains(value, finding.Value);
        Assert.Contains(advice, finding.Advice);
    }

    [Theory]
    [InlineData(AmxSupport.None, KernelPath.Avx512, "none")]
    [InlineData(AmxSupport.Usable, KernelPath.Amx, "usable")]
    public void Matrix_tiles_that_are_used_or_absent_need_no_advice(AmxSupport amx, KernelPath best, string value)
    {
        var finding = MachineFindings.Amx(amx, best);
        Assert.Equal(FindingState.Good, finding.State);
        Assert.Contains(value, finding.Value);
        Assert.Null(finding.Advice);
    }
}
