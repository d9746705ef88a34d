namespace Formation.Inference.Kernels.Machine;

/// <summary>Whether x86's matrix tiles (AMX with int8 and bfloat16) can be used, or what stands in the way.</summary>
public enum AmxSupport
{
    /// <summary>The processor does not have them.</summary>
    None,

    /// <summary>The processor has them, but the operating system or the virtual machine does not offer them to programs.</summary>
    NotEnabled,

    /// <summary>The system offers them and refused them to this process.</summary>
    Refused,

    /// <summary>They are granted, but this process may not make memory executable, and the kernels for them are made at run time.</summary>
    NoExecutableMemory,

    /// <summary>The kernels can use them.</summary>
    Usable,
}
